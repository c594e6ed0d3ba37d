"""Time limits of a reply: first piece, next piece, total, and the run's time left."""

import asyncio
import time

import pytest

from runs.agent import RetryPolicy, RunLimits, run_agent
from runs.agent.messages import Delta, ModelReply
from runs.agent.providers.scripted import answers
from tests.agent.model_calls.models import Model, Notebook, hangs, reply_of, speaks, until
from tests.agent.virtual_time import run_and_time

ONCE = RetryPolicy(max_attempts=1)
LONG = RunLimits(first_token_timeout_s=30, idle_timeout_s=30, model_timeout_s=30)


async def ask(model, **limits):
    started = time.monotonic()
    named = {name: getattr(LONG, name) for name in ("first_token_timeout_s", "idle_timeout_s", "model_timeout_s")}
    result = await run_agent("Hello?", model=model, retry=ONCE, limits=RunLimits(**(named | limits)))
    return result, time.monotonic() - started


async def silent(_):
    """A reply without pieces."""
    await asyncio.sleep(10)
    return answers("All at once.")


@pytest.mark.parametrize(
    ("behaviour", "limit", "code", "words", "action"),
    [
        (hangs, "first_token_timeout_s", "model_first_token_timeout", "the first piece of its reply", "longer first"),
        (
            speaks(Delta("Well,"), then=hangs),
            "idle_timeout_s",
            "model_idle_timeout",
            "the next piece of a reply it had begun",
            "longer idle_timeout",
        ),
        (speaks(Delta("Well,"), then=hangs), "model_timeout_s", "model_timeout", "its whole reply", "longer timeout"),
    ],
)
async def test_each_limit_ends_a_hanging_reply_and_says_which_it_was_how_long_and_what_to_do(
    behaviour, limit, code, words, action
):
    model = Model(behaviour)

    result, took_s = await ask(model, **{limit: 0.05})

    assert result.error.code == code
    assert f"did not send {words} within 0.05 s (limit {limit})" in result.error.message
    assert action in result.error.suggested_action
    assert (result.error.context["limit"], result.error.context["limit_s"]) == (limit, 0.05)
    assert took_s < 1
    assert model.left == 1


async def test_a_reply_that_outlasts_the_run_ends_it_by_the_runs_own_limit():
    result, took_s = await ask(Model(hangs), max_duration_s=0.05)

    assert result.error.code == "limit_max_duration_s"
    assert took_s < 1


@pytest.mark.parametrize("sign", [Delta("", "call"), Delta("", "text"), Delta("Hm", "reasoning")])
def test_any_piece_is_a_sign_of_life(sign):
    async def slow(on_delta):
        for _ in range(6):
            await asyncio.sleep(2)
            on_delta(sign)
        return answers("There.")

    (result, _), took_s = run_and_time(ask(Model(slow), first_token_timeout_s=3, idle_timeout_s=3))

    assert (result.output, took_s) == ("There.", 12)


def test_a_provider_that_gives_no_pieces_is_never_idle():
    (result, _), took_s = run_and_time(ask(Model(silent), idle_timeout_s=2))

    assert (result.output, took_s) == ("All at once.", 10)


def test_a_provider_that_says_it_does_not_stream_has_all_the_time_of_a_reply_for_its_first_word():
    model = Model(silent)
    model.streams = False

    (result, _), took_s = run_and_time(ask(model, first_token_timeout_s=2, idle_timeout_s=2))

    assert (result.output, took_s) == ("All at once.", 10)


async def test_a_million_pieces_cost_one_timer(monkeypatch):
    loop, set_for = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def noted(when, *rest, **named):
        set_for.append(when)
        return call_at(when, *rest, **named)

    monkeypatch.setattr(loop, "call_at", noted)

    async def chatters(on_delta):
        for _ in range(1_000_000):
            on_delta(Delta("x"))
        return answers("Done.")

    result, _ = await ask(Model(chatters))

    assert result.output == "Done."
    assert len(set_for) < 10


async def test_a_piece_that_comes_after_the_end_of_its_attempt_is_shown_to_nobody():
    kept = []

    async def keeps(on_delta):
        kept.append(on_delta)
        on_delta(Delta("in time"))
        return answers("Done.")

    notebook = Notebook()
    await reply_of([Model(keeps)], notebook)
    kept[0](Delta("too late"))

    assert notebook.shown == [("1-1-1", "in time")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionResetError("peer"), "model_network"),
        (TimeoutError("too slow"), "model_timeout"),
        (asyncio.CancelledError(), "model_server"),
    ],
)
async def test_pythons_own_errors_of_a_script_s_provider_are_failures_of_the_model(error, code):
    async def fails(_) -> ModelReply:
        raise error

    result, _ = await ask(Model(fails))

    assert result.error.code == code


async def test_the_time_an_attempt_may_take_is_passed_down_to_the_provider():
    model = Model(answers("Hi."))

    await ask(model, model_timeout_s=50, max_duration_s=20)

    assert 19 < model.requests[0].timeout_s <= 20


async def test_a_user_who_stops_while_a_reply_is_awaited_ends_the_request_too():
    model = Model(hangs)
    run = asyncio.create_task(ask(model))
    await until(lambda: model.requests)
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    assert model.left == 1
