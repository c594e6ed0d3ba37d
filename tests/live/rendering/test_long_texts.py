"""A text too long for a card can be read to its end, piece by piece."""

import html as entities
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.live.rendering import fragments
from runs.live.rendering.long_texts import PIECE_CHARS, SHOWN_CHARS
from runs.markdown import render
from runs.models import Run, Step
from runs.templatetags.run_format import iso

LONG = "".join(f"line <{number}>\n" for number in range(40_000))


@cache
def rendered() -> str:
    """`LONG` as HTML. Made only where it is needed: it takes seconds."""
    return render(LONG)


@pytest.fixture
def read(owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]) -> Callable[..., str]:
    """A step of the owner as they read it: its card, and then all pieces, as htmx requests them."""

    def read_all(**fields: object) -> str:
        stored = {name: value() if callable(value) else value for name, value in fields.items()}
        step = Step.objects.create(run=make_run(owner), sequence=1, epoch=1, **stored)
        html, shown, browser = str(fragments.step_html(step)), "", browser_of(owner)
        while (link := re.search(r'hx-get="([^"]*)"', html)) is not None:
            shown += html
            response = browser.get(entities.unescape(link[1]), headers={"HX-Request": "true"})
            assert response.status_code == 200
            html = response.content.decode()
        return shown + html

    return read_all


def numbers_in(html: str) -> list[int]:
    """The shown line numbers of `LONG`, each once, in order."""
    html = re.sub(r"</pre>.*?<pre[^>]*>", "", html, flags=re.DOTALL)
    found = [int(number) for number in re.findall(r"line &lt;(\d+)&gt;", html)]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "tool_result", "content": LONG},
        {"kind": "tool_call", "tool_input": {"first": 1, "text": LONG}},
        {"kind": "tool_call", "tool_input": {f"a{index}": LONG if index == 8 else 1 for index in range(9)}},
        {"kind": "answer", "content": LONG, "html": rendered},
        {"kind": "reasoning", "content": LONG, "html": rendered},
        {"kind": "answer", "content": LONG, "metadata": {"output": "x"}},
        {"kind": "error", "content": LONG, "severity": "error"},
        {"kind": "note", "content": LONG},
        {"kind": "retry", "content": LONG},
    ],
    ids=["result", "argument", "arguments", "answer", "reasoning", "data", "error", "note", "attempt"],
)
def test_all_of_a_long_text_can_be_read(read, fields):
    assert numbers_in(read(**{"tool_name": "t", **fields}).replace("\\n", "\n")) == list(range(40_000))


def test_a_card_of_a_long_text_stays_small():
    step = Step(run_id="6b1ff5f1-6b1f-4b1f-8b1f-6b1ff5f16b1f", sequence=1, kind="tool_result", content=LONG)

    assert len(fragments.step_html(step)) < 2 * SHOWN_CHARS


def test_without_javascript_a_piece_is_a_page_with_the_way_back(owner, browser_of, make_run):
    run = make_run(owner)
    Step.objects.create(run=run, sequence=1, epoch=1, kind="tool_result", tool_name="t", content="x" * PIECE_CHARS * 2)

    response = browser_of(owner).get(f"/runs/{run.pk}/steps/1/rest/", {"of": "result", "from": "5"})

    assert f'href="/runs/{run.pk}/?before=2#step-1"' in response.content.decode()


@pytest.mark.parametrize(
    "query",
    ["", "of=x&from=1", "of=words&part=9", "of=result&from=-1", "of=result&from=99999999999", "of=argument-7&from=0"],
)
def test_a_piece_there_is_not_is_404(owner, browser_of, make_run, query):
    run = make_run(owner)
    Step.objects.create(run=run, sequence=1, epoch=1, kind="tool_result", tool_name="t", content="short")

    assert browser_of(owner).get(f"/runs/{run.pk}/steps/1/rest/?{query}").status_code == 404


@pytest.mark.parametrize(
    ("content", "direction"), [("مرحبا", "auto"), ('{"اسم": 1}', "ltr"), ("<p>مرحبا</p>", "ltr"), ("hello", "auto")]
)
def test_words_of_a_result_run_as_they_want_and_data_from_left_to_right(content, direction):
    step = Step(run_id="6b1ff5f1-6b1f-4b1f-8b1f-6b1ff5f16b1f", sequence=1, kind="tool_result", content=content)

    assert f'<pre class="output" dir="{direction}"' in fragments.step_html(step)


def test_times_are_to_the_millisecond_at_most():
    moment = datetime(2026, 11, 28, 14, 5, 6, 123456, tzinfo=UTC)
    step = Step(
        run_id="6b1ff5f1-6b1f-4b1f-8b1f-6b1ff5f16b1f",
        sequence=1,
        kind="note",
        content="x",
        started_at=moment,
        ended_at=moment,
    )

    assert iso(moment) == "2026-11-28T14:05:06.123Z"
    assert re.findall(r'datetime="([^"]*)"', fragments.step_html(step)) == ["2026-11-28T14:05:06.123Z"]
