"""The pages' state machine of replies in the making, in a real browser: it behaves as the server's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from playwright.sync_api import Page, Route, sync_playwright

from runs.live.rendering import fragments
from tests.conftest import HEADLESS_SHELL
from tests.journeys.conftest import CHROMIUM_FLAGS
from tests.live.feeds.reply_streams import STEPS, STREAM, STREAMS, Input, Open, expected, open_after_each, step_of

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parents[3] / "static/live/reply_state.js"
OPEN_AFTER_EACH = """async (streams) => {
  const { ReplyState } = await import("/reply_state.js");
  return JSON.stringify(JSON.parse(streams).map((inputs) => {
    const state = new ReplyState();
    return inputs.map(({ frame, ends, doubt, forget }) => {
      if (frame && !state.hear(frame)) throw new Error("It took the frame for another.");
      if (ends) state.end(ends);
      if (doubt) state.doubt();
      if (forget) state.forgetUnheard();
      return [...state.open.keys()].map((name) => [name, state.said(name), [...state.open.get(name).blocks]]);
    });
  }));
}"""
ENDS_OF_EACH = """async (steps) => {
  const { endsOf } = await import("/reply_state.js");
  return steps.map((html) => {
    const place = document.createElement("template");
    place.innerHTML = html;
    return endsOf(place.content.firstElementChild.dataset);
  });
}"""
IS_OF_REPLIES = """async (frame) => {
  const { ReplyState } = await import("/reply_state.js");
  return new ReplyState().hear(frame);
}"""


def answer(route: Route) -> None:
    """The script, or the empty page that loads it."""
    if route.request.url.endswith("/reply_state.js"):
        route.fulfill(path=SCRIPT, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>Replies</title>", content_type="text/html")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """An empty page that has loaded the script."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=HEADLESS_SHELL, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.route("**/*", answer)
        page.goto("http://replies.test/")
        yield page
        browser.close()


def open_on(page: Page, streams: list[list[Input]]) -> list[list[Open]]:
    """The open cards of the page after each input of each stream."""
    opened: list[list[Open]] = json.loads(page.evaluate(OPEN_AFTER_EACH, json.dumps(streams)))
    return opened


def test_after_each_input_the_replies_that_are_open_say_what_they_should(page: Page) -> None:
    opened = open_on(page, [case["inputs"] for case in STREAMS])

    said = {case["name"]: each for case, each in zip(STREAMS, opened, strict=True)}
    assert said == {case["name"]: expected(case) for case in STREAMS}


def test_page_and_server_hold_the_same_whatever_comes(page: Page) -> None:
    @given(STREAM)
    @settings(max_examples=100)
    def hold_the_same(inputs: list[Input]) -> None:
        assert open_on(page, [inputs]) == [open_after_each(inputs)]

    hold_the_same()


def test_a_step_ends_on_the_page_what_it_ends_for_the_server(page: Page) -> None:
    ends: list[Any] = page.evaluate(ENDS_OF_EACH, [str(fragments.step_html(step_of(case))) for case in STEPS])

    assert {case["name"]: each for case, each in zip(STEPS, ends, strict=True)} == {
        case["name"]: case["ends"] for case in STEPS
    }


@pytest.mark.parametrize("frame", [{"steps": []}, {"ping": 1}, {"state": "x", "at": 1}])
def test_other_frames_are_none_of_replies(page: Page, frame: dict[str, Any]) -> None:
    assert page.evaluate(IS_OF_REPLIES, frame) is False
