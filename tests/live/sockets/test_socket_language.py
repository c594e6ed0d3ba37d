"""Each socket is in the language of its page; one rendering serves all viewers of a language."""

from collections import Counter

import pytest

from runs.database_outages import FULL
from runs.live.rendering import fragments
from runs.live.rendering.fragments import step_html
from runs.live.sockets.socket_language import language_of
from runs.models import Step
from runs.writer_status import STANDSTILL
from tests.live.live_browser import add_steps, end, ring

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = ("en", "de", "zh-hans")
STOPPED = {"en": "Stopped", "de": "Gestoppt", "zh-hans": "已停止"}


async def test_viewers_of_one_run_read_it_in_their_own_languages(watch, make_run, owner):
    run = make_run(owner, status="thinking")
    sockets = {language: await watch(run, owner, language=language) for language in LANGUAGES}
    for socket in sockets.values():
        await socket.state()

    end(run, "cancelled")
    await ring(run)

    for language, socket in sockets.items():
        # A viewer in another language makes the state be told to all of them once more.
        while "data-ended" not in (state := (await socket.state())["state"]):
            pass
        assert STOPPED[language] in state
        assert not any(words in state for other, words in STOPPED.items() if other != language)


async def test_a_step_is_rendered_once_for_each_language(watch, make_run, owner, monkeypatch):
    run = make_run(owner, status="thinking")
    sockets = [await watch(run, owner, language=language) for language in LANGUAGES * 3]
    for socket in sockets:
        await socket.state()
    rendered: Counter[int] = Counter()

    def count(step: Step) -> str:
        rendered[step.sequence] += 1
        return step_html(step)

    monkeypatch.setattr(fragments, "step_html", count)

    last = add_steps(run, 5)
    await ring(run)
    for socket in sockets:
        await socket.steps_up_to(last)

    assert set(rendered.values()) == {len(LANGUAGES)}


async def test_a_viewer_in_a_new_language_gets_the_steps_that_others_have(watch, make_run, owner):
    run = make_run(owner, status="thinking")
    last = add_steps(run, 3)
    first = await watch(run, owner, language="de")
    await first.steps_up_to(last)

    late = await watch(run, owner, language="zh-hans")

    assert (await late.steps_up_to(last))[-3:] == [last - 2, last - 1, last]
    add_steps(run, 2)
    await ring(run)
    assert [await socket.steps_up_to(last + 2) for socket in (first, late)] == [[last + 1, last + 2]] * 2


async def test_steps_as_json_are_in_no_language(watch, make_run, owner, settings):
    settings.LANGUAGE_CODE = "de"
    run = make_run(owner, status="thinking")
    last = add_steps(run, 1)
    german = await watch(run, owner, after=last - 1, language="de")
    program = await watch(run, owner, after=last - 1, language="de", format="json")

    [[_, step]] = (await program.frame())["steps"]

    assert (step["content"], step["kind"]) == (f"Thought {last}.", "reasoning")
    assert await german.steps_up_to(last) == [last]


async def test_dashboards_of_one_user_are_in_the_language_of_each(watch, make_run, owner):
    run = make_run(owner, status="thinking")
    sockets = {language: await watch("/ws/dashboard/", owner, language=language) for language in LANGUAGES}
    for socket in sockets.values():
        assert "rows" in await socket.frame() and "counts" in await socket.frame()

    end(run, "cancelled")
    await ring(run)

    for language, socket in sockets.items():
        while "rows" not in (frame := await socket.frame()):
            pass
        assert STOPPED[language] in frame["rows"][0][1]


async def test_a_standstill_is_told_in_the_language_of_each(watch, make_run, owner):
    run = make_run(owner, status="thinking")
    STANDSTILL.see(FULL)
    try:
        german, english = await watch(run, owner, language="de"), await watch(run, owner)
        held = [(await socket.frame())["held"] for socket in (german, english)]
    finally:
        STANDSTILL.see(None)

    assert held == ["die Festplatte ist voll", "the disk is full"]


@pytest.mark.parametrize(
    ("asked", "headers", "language"),
    [
        ("", [(b"accept-language", b"de-DE,de;q=0.9")], "de"),
        ("", [(b"cookie", b"a=b; language=zh-hans"), (b"accept-language", b"de")], "zh-hans"),
        ("language=de", [(b"cookie", b"language=zh-hans")], "de"),
        ("language=zh-Hans", [], "zh-hans"),
        ("language=xx", [(b"cookie", b"language=../../de")], "en"),
        ("language=de&language=", [], "de"),
    ],
)
def test_a_socket_has_the_language_of_its_page_else_of_its_browser(asked, headers, language):
    assert language_of({"query_string": asked.encode(), "headers": headers}) == language
