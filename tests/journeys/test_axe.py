"""The contrast of a text is tried once for each look, and no look that is faint passes for one that was tried."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.journeys.axe import OF_COLOURS, violations_of
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
