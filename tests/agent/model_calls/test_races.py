"""Races and hedges of several models for one reply."""

import asyncio
import contextlib

import pytest

from runs.agent import AgentThought, ThoughtType, run_agent
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.errors.model_exceptions import ModelFailure, ModelUnavailable
from runs.agent.messages import Delta, ModelReply
from runs.agent.model_calls.provider_health import HealthRegistry, LatencyTracker
from runs.agent.providers.scripted import answers
from runs.agent.usage import Usage
from tests.agent.model_calls.models import Clock, Model, Notebook, failure, hangs, reply_of, speaks, until

TOLD = ModelReply(text="Me.", usage=Usage(input_tokens=11, output_tokens=7))


def lanes_of(notebook):
    _start, race = notebook.thoughts(ThoughtType.RACE)
    return race.metadata["lanes"]


async def test_in_a_race_the_first_reply_wins_and_the_loser_s_request_has_ended_by_then():
    slow, fast, notebook = Model(hangs, model="slow"), Model(TOLD, model="fast"), Notebook()

    asked = await reply_of([slow, fast], notebook, strategy="race")

    assert (asked.provider, asked.lane) == (fast, 2)
    assert slow.left == 1
    lost, won = lanes_of(notebook)
    assert (lost["model"], lost["outcome"], lost["tokens"], lost["cost"]) == ("slow", "cancelled", None, None)
    assert (won["model"], won["outcome"], won["tokens"]) == ("fast", "won", 18)
    assert won["first_token_at"] is not None
    assert all(lane["started_at"] <= lane["ended_at"] for lane in (lost, won))
    assert notebook.thoughts(ThoughtType.RACE)[-1].metadata["multiple"] == 2


async def test_the_start_of_a_race_is_told_before_its_end_with_the_lanes_that_are_asked():
    notebook = Notebook()

    await reply_of([Model(hangs, model="slow"), Model(TOLD, model="fast")], notebook, strategy="race")

    start, end = notebook.thoughts(ThoughtType.RACE)
    assert [(lane["lane"], lane["model"]) for lane in start.metadata["asked"]] == [(1, "slow"), (2, "fast")]
    assert all(lane["started_at"] <= end.fields.ended_at for lane in start.metadata["asked"])
    assert [(each.fields.turn, each.fields.attempt) for each in (start, end)] == [(1, 1), (1, 1)]


async def test_a_hedge_that_asks_one_model_only_tells_no_start():
    notebook = Notebook()

    await reply_of([Model(TOLD), Model(TOLD)], notebook, strategy="hedge")

    assert notebook.thoughts(ThoughtType.RACE) == []


async def test_a_race_without_a_reply_has_a_start_and_an_end_in_each_round():
    notebook = Notebook()

    await reply_of([Model(failure("overloaded"), TOLD), Model(failure("overloaded"), hangs)], notebook, strategy="race")

    told = [(each.fields.attempt, "asked" in each.metadata) for each in notebook.thoughts(ThoughtType.RACE)]
    assert told == [(1, True), (1, False), (2, True), (2, False)]


async def test_what_a_second_reply_cost_is_told_although_it_lost():
    notebook = Notebook()

    await reply_of([Model(TOLD), Model(TOLD)], notebook, strategy="race")

    assert [(lane["outcome"], lane["tokens"]) for lane in lanes_of(notebook)] == [("won", 18), ("lost", 18)]


async def test_a_failing_model_never_wins_and_its_attempt_is_a_step_of_its_lane():
    notebook = Notebook()

    asked = await reply_of([Model(failure("server", status=500)), Model(TOLD)], notebook, strategy="race")

    assert asked.reply is TOLD
    (retry,) = notebook.thoughts(ThoughtType.RETRY)
    assert (retry.metadata["lane"], retry.metadata["attempt"], retry.metadata["in_race"]) == (1, 1, True)
    assert [(lane["outcome"], lane["error_code"]) for lane in lanes_of(notebook)] == [
        ("failed", "model_server"),
        ("won", None),
    ]


async def test_what_a_loser_had_said_is_voided_by_the_race_s_step():
    notebook, said = Notebook(), asyncio.Event()

    async def talks(on_delta):
        on_delta(Delta("I think"))
        said.set()
        return await hangs(on_delta)

    async def waits(_):
        await said.wait()
        return TOLD

    asked = await reply_of([Model(talks), Model(waits)], notebook, strategy="race")

    assert notebook.shown == [("1-1-1", "I think")]
    assert notebook.thoughts(ThoughtType.RACE)[-1].metadata["cards"] == ["1-1-1"]
    assert asked.card == "1-1-2"


async def fails_when_cancelled(on_delta):
    try:
        return await hangs(on_delta)
    finally:
        raise failure("network")


async def breaks_when_cancelled(on_delta):
    try:
        return await hangs(on_delta)
    finally:
        raise RuntimeError("the connection could not be closed")


async def replies_when_cancelled(on_delta):
    with contextlib.suppress(asyncio.CancelledError):
        await hangs(on_delta)
    return TOLD


@pytest.mark.parametrize(
    ("loses", "outcome"),
    [(fails_when_cancelled, "cancelled"), (breaks_when_cancelled, "cancelled"), (replies_when_cancelled, "lost")],
)
async def test_a_loser_whose_provider_loses_the_cancellation_is_told_once_by_the_race_s_step(loses, outcome):
    notebook = Notebook()

    await reply_of([Model(loses), Model(TOLD)], notebook, strategy="race")

    assert [lane["outcome"] for lane in lanes_of(notebook)] == [outcome, "won"]
    assert notebook.thoughts(ThoughtType.RACE)[-1].metadata["cards"] == ["1-1-1"]
    assert notebook.thoughts(ThoughtType.RETRY) == []


async def test_a_stopped_race_tells_no_lane_as_failed_though_providers_answer_their_cancellation_with_errors():
    notebook, models = Notebook(), [Model(fails_when_cancelled, model=name) for name in "ab"]
    race = asyncio.create_task(reply_of(models, notebook, strategy="race"))
    await until(lambda: all(model.requests for model in models))

    race.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race

    assert notebook.thoughts(ThoughtType.RETRY) == []


async def test_when_all_fail_the_race_is_run_again_in_rounds_without_who_would_only_fail_again():
    notebook = Notebook()
    wrong_key = Model(failure("auth", status=401), model="wrong key")
    shaky = Model(failure("overloaded"), TOLD, model="shaky")

    asked = await reply_of([wrong_key, shaky], notebook, strategy="race")

    assert (asked.reply, asked.attempt) == (TOLD, 2)
    assert (len(wrong_key.requests), len(shaky.requests)) == (1, 2)
    *lanes, wait = notebook.thoughts(ThoughtType.RETRY)
    assert [each.metadata["lane"] for each in lanes] == [1, 2]
    assert wait.metadata["is_round"] and wait.metadata["wait_s"] is not None


async def test_no_model_is_asked_more_often_than_the_policy_says_however_the_race_goes():
    models = [Model(failure("overloaded"), model=name) for name in "ab"]

    with pytest.raises(ModelUnavailable, match="after 3 attempts"):
        await reply_of(models, Notebook(), strategy="race", retry=RetryPolicy(max_attempts=3, base_s=0))

    assert [len(model.requests) for model in models] == [3, 3]


async def test_if_nobody_may_be_tried_again_the_race_ends_at_once():
    with pytest.raises(ModelFailure, match="It broke"):
        await reply_of([Model(failure("auth")), Model(failure("refused"))], Notebook(), strategy="race")


def slow_after(registry, model, seconds):
    for _ in range(20):
        registry.of(model).latency.note(seconds)


async def test_a_hedge_asks_the_second_model_when_the_first_is_slow_to_begin():
    registry, notebook = HealthRegistry(), Notebook()
    first, second = Model(hangs, model="first"), Model(TOLD, model="second")
    slow_after(registry, first, 0.01)

    asked = await reply_of([first, second], notebook, strategy="hedge", health=registry)

    assert asked.provider is second
    assert [lane["outcome"] for lane in lanes_of(notebook)] == ["cancelled", "won"]


async def test_a_model_that_has_begun_to_speak_is_not_hedged_however_long_it_speaks():
    registry, notebook, end = HealthRegistry(), Notebook(), asyncio.Event()

    async def ends_later(_):
        await end.wait()
        return TOLD

    first, second = Model(speaks(Delta("Well,"), then=ends_later), model="first"), Model(TOLD, model="second")
    slow_after(registry, first, 0.001)
    asking = asyncio.create_task(reply_of([first, second], notebook, strategy="hedge", health=registry))
    await until(lambda: notebook.shown)
    asyncio.get_running_loop().call_later(0.05, end.set)

    assert (await asking).provider is first
    assert second.requests == []
    assert notebook.thoughts(ThoughtType.RACE) == []


async def test_a_hedge_asks_the_second_model_at_once_when_the_first_fails():
    asked = await reply_of([Model(failure()), Model(TOLD)], Notebook(), strategy="hedge")

    assert asked.lane == 2


async def test_only_a_share_of_all_calls_is_hedged():
    registry, end = HealthRegistry(Clock()), asyncio.Event()
    hedged = 0
    while registry.hedges.take():
        hedged += 1
    assert hedged == 3

    async def ends_later(_):
        await end.wait()
        return TOLD

    first, second = Model(ends_later, model="first"), Model(TOLD, model="second")
    slow_after(registry, first, 0.001)
    asyncio.get_running_loop().call_later(0.05, end.set)

    assert (await reply_of([first, second], Notebook(), strategy="hedge", health=registry)).provider is first
    assert second.requests == []


def test_a_model_is_slow_after_its_own_95th_percentile_and_after_8_s_while_little_is_known():
    pace = LatencyTracker()
    assert pace.slow_after_s() == 8
    for hundredth in range(1, 101):
        pace.note(hundredth / 100)

    assert pace.slow_after_s() == pytest.approx(0.95, abs=0.01)


async def test_stopping_a_race_ends_every_request():
    models = [Model(hangs, model=name) for name in "abc"]
    race = asyncio.create_task(reply_of(models, Notebook(), strategy="race"))
    await until(lambda: all(model.requests for model in models))
    race.cancel()
    await asyncio.sleep(0)
    race.cancel()

    with pytest.raises(asyncio.CancelledError):
        await race
    assert [model.left for model in models] == [1, 1, 1]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_bug_in_one_provider_costs_the_race_nothing_while_another_replies(caplog):
    asked = await reply_of([Model(RuntimeError("a bug")), Model(TOLD)], Notebook(), strategy="race")

    assert asked.lane == 2
    assert "unexpected error" in caplog.text


async def test_a_script_can_race_its_models():
    thoughts: list[AgentThought] = []

    result = await run_agent(
        "Hello?", model=[Model(hangs), Model(answers("Hi."))], strategy="race", report=thoughts.append
    )

    assert result.output == "Hi."
    assert [each.type for each in thoughts] == [ThoughtType.RACE, ThoughtType.RACE, ThoughtType.ANSWER]


async def test_a_strategy_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="fallback, hedge, race"):
        await run_agent("Hello?", strategy="sprint")  # type: ignore[call-overload]
