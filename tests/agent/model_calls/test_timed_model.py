"""`TimedModel` by itself, and the watchdog of its stream."""

import asyncio
from typing import Any

import pytest

from runs.agent.budget.deadline import Deadline
from runs.agent.errors.model_exceptions import ModelFailure, ModelTimeout
from runs.agent.messages import Delta, ModelRequest
from runs.agent.model_calls.stream_timeouts import StreamWatchdog, timeouts_of
from runs.agent.model_calls.timed_model import TimedModel
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.scripted import answers
from runs.agent.run_limits import FIRST_TOKEN_TIMEOUT_S, RunLimits
from tests.agent.model_calls.contexts import context_of
from tests.agent.model_calls.models import Model, failure, hangs, speaks

ASKED = ModelRequest(task="Hello?")


def limits_with(name: str, seconds: float) -> RunLimits:
    options: dict[str, Any] = {name: seconds}
    return RunLimits(**options)


@pytest.mark.parametrize(
    ("behaviour", "limit", "phase"),
    [
        (hangs, "first_token_timeout_s", "first_token"),
        (speaks(Delta("Well,"), then=hangs), "idle_timeout_s", "stream"),
        (speaks(Delta("Well,"), then=hangs), "model_timeout_s", "stream"),
    ],
)
async def test_the_limit_that_is_met_first_is_the_one_that_is_named(behaviour, limit, phase):
    model = TimedModel(Model(behaviour), context_of(limits=limits_with(limit, 0.02)))

    with pytest.raises(ModelTimeout) as caught:
        await model.reply(ASKED)

    assert (caught.value.limit_name, caught.value.phase) == (limit, phase)


async def test_what_is_left_of_the_run_is_a_limit_too_and_is_passed_down():
    asked = Model(answers("Hi."))

    await TimedModel(asked, context_of(left_s=20)).reply(ASKED)
    with pytest.raises(ModelTimeout) as caught:
        await TimedModel(Model(hangs), context_of(left_s=0.02)).reply(ASKED)

    assert 19 < asked.requests[0].timeout_s <= 20
    assert caught.value.limit_name == "max_duration_s"


async def test_an_empty_reply_is_a_failure():
    with pytest.raises(ModelFailure, match="gave an empty reply"):
        await TimedModel(Model(answers(" ")), context_of()).reply(ASKED)


async def test_a_failure_of_the_models_own_passes_unchanged():
    own = failure("refused", status=400)

    with pytest.raises(ModelFailure) as caught:
        await TimedModel(Model(own), context_of()).reply(ASKED)
    assert caught.value is own


def test_the_runs_own_limit_counts_before_that_of_the_server():
    model = Model()
    model.capabilities = Capabilities(idle_timeout_s=7, model_timeout_s=50)  # type: ignore[attr-defined]

    timeouts = timeouts_of(model, RunLimits(idle_timeout_s=3), Deadline(600))

    assert (timeouts.first_token_s, timeouts.idle_s, timeouts.total_s) == (FIRST_TOKEN_TIMEOUT_S, 3, 50)
    assert timeouts.total_is == "model_timeout_s"


async def test_a_watchdog_that_has_ended_passes_nothing_on():
    heard: list[Delta] = []
    watchdog = StreamWatchdog(timeouts_of(Model(), RunLimits(), Deadline(600)), heard.append)
    watchdog.begin(asyncio.timeout(60))

    watchdog.hear(Delta("in time"))
    watchdog.end()
    watchdog.hear(Delta("too late"))

    assert [each.text for each in heard] == ["in time"]
    assert watchdog.phase == "stream"


async def test_a_sign_of_life_is_no_piece():
    heard: list[Delta] = []
    watchdog = StreamWatchdog(timeouts_of(Model(), RunLimits(), Deadline(600)), heard.append)
    watchdog.begin(asyncio.timeout(60))

    watchdog.hear(Delta("", "alive"))
    watchdog.end()

    assert (heard, watchdog.phase) == ([], "first_token")
