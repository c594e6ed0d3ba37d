"""Markdown is rendered in processes that are killed at a time limit."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from runs import markdown, render_pool
from runs.render_pool import RenderPool
from tests.freed import freed, is_set

ROOT = Path(__file__).resolve().parent.parent.parent
MARKED = "**bold** and `code`"
# A parser rule that never ends, like the lexer of `mcschema` on `<!--`.
ENDLESS = "runs.markdown.render_part = lambda text: [None for _ in iter(int, 1)] if 'endless' in text else 'ok'"
GREEDY = "runs.markdown.render_part = lambda text: bytearray(2**31) and 'ok'"


@pytest.fixture
def pool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RenderPool]:
    """A pool of one process, which runs `request.param` first."""
    made = RenderPool(workers=1, cpu_s=0.5)
    if code := getattr(request, "param", ""):
        run = (
            f"import sys, runs.markdown; {code}; from runs import render_worker; render_worker.main(float(sys.argv[1]))"
        )
        real = subprocess.Popen

        def popen(command: list[str], **options: object) -> object:
            return real([sys.executable, "-c", run, command[-1]], **options)  # type: ignore[call-overload]

        monkeypatch.setattr("runs.render_pool.subprocess.Popen", popen)
    yield made
    made.close()


def html(pool: RenderPool, text: str) -> str:
    return pool.submit(text).result(60)


def test_another_process_renders_what_this_one_would(pool):
    for text in (MARKED, "# a\n\n- b\n\n```python\nx = 1\n```", "a\ud800 *b*", ""):
        assert html(pool, text) == markdown.render_part(text)


@pytest.mark.parametrize("pool", [ENDLESS], indirect=True)
def test_a_text_that_takes_too_long_is_shown_plain_and_says_so_and_the_next_one_is_rendered(pool):
    told = html(pool, "endless <b>\n\nmore")

    assert told.startswith('<p class="shown-plain">Shown as plain text')
    assert told.endswith('<p dir="auto">endless &lt;b&gt;</p>\n<p dir="auto">more</p>')
    assert html(pool, MARKED) == "ok"


@pytest.mark.parametrize("pool", [ENDLESS], indirect=True)
def test_no_process_goes_on_with_a_text_that_took_too_long(pool):
    html(pool, MARKED)
    (first,) = pool.pids()

    html(pool, "endless")

    assert not psutil.pid_exists(first)


@pytest.mark.parametrize("pool", [GREEDY], indirect=True)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit a process's addresses")
def test_a_text_that_takes_all_memory_is_shown_plain(pool):
    assert "Shown as plain text" in html(pool, MARKED)


def test_where_a_process_is_killed_the_next_text_has_a_new_one(pool):
    html(pool, MARKED)
    os.kill(pool.pids()[0], 9)

    assert "Shown as plain text" in html(pool, MARKED)
    assert html(pool, MARKED) == markdown.render_part(MARKED)


def test_where_no_process_can_be_started_texts_are_shown_plain_at_once(pool, monkeypatch):
    def fails(*_args: object, **_options: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("runs.render_pool.subprocess.Popen", fails)

    for _ in range(3):
        assert "Shown as plain text" in html(pool, MARKED)


@pytest.mark.parametrize("pool", [ENDLESS], indirect=True)
async def test_the_event_loop_turns_while_a_text_takes_too_long(pool, monkeypatch):
    monkeypatch.setattr(render_pool, "POOL", pool)
    html(pool, MARKED)
    turns, rendering = 0, asyncio.create_task(render_pool.html_of("`endless`"))

    while not rendering.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert "Shown as plain text" in rendering.result() and turns > 10


async def test_prose_without_markup_needs_no_process(monkeypatch):
    monkeypatch.setattr(render_pool, "POOL", None)

    assert await render_pool.html_of("17 * 23 = 391") == '<p dir="auto">17 * 23 = 391</p>'


def test_a_worker_knows_no_secret_of_the_site(pool, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    html(pool, MARKED)

    assert "OPENAI_API_KEY" not in psutil.Process(pool.pids()[0]).environ()


@pytest.mark.parametrize("text", [MARKED, "endless"], ids=["idle", "spinning"])
def test_no_worker_outlives_a_site_that_was_killed(text):
    # The parent prints its workers' ids and is killed while one of them loops endlessly.
    worker = f"import sys, runs.markdown; {ENDLESS}; from runs import render_worker; render_worker.main(1.0)"
    code = f"""
import subprocess, sys, time
from runs import render_pool
real = subprocess.Popen
render_pool.subprocess.Popen = lambda command, **options: real([sys.executable, "-c", {worker!r}], **options)
pool = render_pool.RenderPool(workers=1)
pool.submit("ready").result(60)
pool.submit({text!r})
print(*pool.pids(), flush=True)
time.sleep(600)
"""
    site = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert site.stdout is not None
    workers = [psutil.Process(int(pid)) for pid in site.stdout.readline().split()]

    site.kill()
    site.communicate()

    assert len(workers) == 1
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []


def test_a_text_that_waited_too_long_for_its_turn_is_shown_plain(pool, monkeypatch):
    monkeypatch.setattr(render_pool, "WAIT_S", -1)

    assert "Shown as plain text" in html(pool, MARKED)


def test_the_words_of_a_text_cannot_look_like_the_sites_own_line():
    html = markdown.render('<p class="shown-plain">x</p>\n\n[a](http://b.de "shown-plain")\n\n```shown-plain\nx\n```')

    assert '<p class="shown-plain"' not in html


async def test_a_rendered_text_is_freed_before_the_next_one_comes(pool):
    rendered = pool.submit(MARKED)
    is_freed = freed(rendered)
    await asyncio.to_thread(rendered.result, 60)

    del rendered

    assert await is_set(is_freed)
