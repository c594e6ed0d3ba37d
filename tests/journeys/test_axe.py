"""The contrast of a text is tried once for each look, and no look that is faint passes for one that was tried."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.journeys.axe import OF_COLOURS, violations_of
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

ADD = """([style, backdrop]) => {
    const around = document.createElement("div"), added = document.createElement("p");
    [added.style, around.style, added.textContent] = [style, backdrop, "Words that can hardly be read"];
    around.id = "added";
    around.append(added);
    document.querySelector("#main").prepend(around);
}"""
COUNT = """() => {
    const check = axe._audit.checks["color-contrast"], { evaluate } = check;
    window.tried = 0;
    check.evaluate = function (...args) {
        window.tried += 1;
        return evaluate.apply(this, args);
    };
}"""


async def faint(page: Page) -> list[str]:
    return [each for each in await violations_of(page, OF_COLOURS) if each.startswith("color-contrast")]


@pytest.mark.parametrize(
    ("style", "backdrop"),
    [
        ("color: #bbb", ""),
        ("color: #777; font-size: 10px", "background: #eee"),
        ("opacity: 0.3", ""),
        ("", "opacity: 0.3"),
        ("", "opacity: 0.6; color: #888"),
        ("", "background: #333"),
        ("", "background: rgb(0 0 0 / 70%)"),
        ("background: #444", "background: white"),
        ("translate: 0 3rem; color: white", "background: black; color: white; margin-bottom: 4rem"),
    ],
)
async def test_a_faint_text_is_found_on_a_page_whose_other_texts_were_tried(
    shared_site: LiveSite, session: str, open_page: Any, style: str, backdrop: str
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    before = await faint(page)

    await page.evaluate(ADD, [style, backdrop])

    assert (before, len(await faint(page))) == ([], 1)
    assert "#added" in (await faint(page))[0]


async def test_a_faint_text_that_was_hidden_is_found_once_it_is_shown(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await page.evaluate(ADD, ["color: #bbb", "visibility: hidden"])
    hidden = await faint(page)

    await page.evaluate("document.querySelector('#added').style = ''")

    assert (hidden, len(await faint(page))) == ([], 1)


async def test_a_text_that_looks_like_another_one_is_not_tried_again(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await faint(page)
    await page.evaluate(COUNT)

    await faint(page)
    tried_again = await page.evaluate("tried")
    await page.evaluate(ADD, ["color: #123456", ""])
    await faint(page)

    assert (tried_again, await page.evaluate("tried")) == (0, 1)


COUNT_RUNS = """() => {
    const { run } = axe;
    window.runs = 0;
    axe.run = (...options) => {
        window.runs += 1;
        return run(...options);
    };
}"""
PART = """html => {
    const part = document.createElement("section");
    part.setAttribute("aria-label", "Added");
    part.innerHTML = html;
    document.querySelector("#main").append(part);
}"""
FIELD = "<ul><li>One</li><li>Two</li><li>Three</li><li>Four</li></ul><p><input id='field'></p>"
LABEL = """() => {
    const label = Object.assign(document.createElement("label"), { htmlFor: "field", textContent: "Words" });
    document.querySelector("#main").prepend(label);
}"""
UNLABELLED = "<ul><li>One</li><li>Two</li><li>Three</li></ul><input>"
SCROLLS = f"<div class='scrolls'>{'A line that is wide on a phone. ' * 2}</div>"


async def test_a_page_that_was_without_a_violation_is_not_judged_again_until_anything_changes(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await violations_of(page)
    await page.evaluate(
        "() => { const { run } = axe; window.runs = 0; axe.run = (...of) => { runs += 1; return run(...of); }; }"
    )

    await violations_of(page)
    again = await page.evaluate("runs")
    await page.evaluate(PART, UNLABELLED)

    assert again == 0
    assert [each.split(" ")[0] for each in await violations_of(page)] == ["label"]
    assert [each.split(" ")[0] for each in await violations_of(page)] == ["label"]


async def test_a_field_is_judged_again_once_its_label_has_gone_from_another_part(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await page.evaluate(LABEL)
    await page.evaluate(PART, FIELD)
    labelled = await violations_of(page)

    await page.evaluate("document.querySelector('[for=field]').remove()")

    assert (labelled, [each.split(" ")[0] for each in await violations_of(page)]) == ([], ["label"])


@pytest.mark.parametrize("told_on", [{}, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(
    ("screen", "html"),
    [
        ("first", f"<div class='on-desks'>{UNLABELLED}</div>"),
        ("second", f"<div class='on-phones'>{UNLABELLED}</div>"),
        ("second", SCROLLS),
        ("second", "<p class='faint-on-phones'>Words that can hardly be read</p>"),
        ("first", "<p class='faint-without-touch'>Words that can hardly be read</p>"),
        ("dark", "<p class='faint-in-the-dark'>Words that can hardly be read</p>"),
        ("second", "<p class='wide-on-touch'>Words</p>"),
    ],
    ids=["a field on desks", "a field on phones", "scrolls", "faint on phones", "faint without touch", "dark", "wide"],
)
async def test_what_is_wrong_on_one_of_two_screens_only_is_found_there(
    shared_site: LiveSite, session: str, open_page: Any, screen: str, html: str, told_on: dict[str, Any]
) -> None:
    page = await open_page(shared_site, session=session, **told_on)
    await page.goto("/runs/no-such-page/")
    before = await faults_on_both(page)
    await page.evaluate(ADD_STYLES, ON_SCREENS)

    await page.evaluate(PART, html)

    found = [each for each in await faults_on_both(page) if screen in each]
    assert (before, len(found)) == ([], 1)


ADD_STYLES = """text => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets.push(sheet);
}"""
ON_SCREENS = """
.scrolls { overflow-x: auto; white-space: nowrap }
.on-phones { display: none }
@media (max-width: 40rem) {
    .on-phones { display: block }
    .on-desks { display: none }
    .faint-on-phones { color: #bbb }
}
@media not (pointer: coarse) { .faint-without-touch { color: #bbb } }
@media (pointer: coarse) { .wide-on-touch { inline-size: 2000px } }
@media (prefers-color-scheme: dark) { .faint-in-the-dark { color: #333 } }
"""
