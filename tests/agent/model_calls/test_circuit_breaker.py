"""The circuit breaker: no requests to a model that fails most of its calls, except for probes."""

import asyncio

import pytest

from runs.agent.concurrency.circuit_breaker import OPEN_S, BreakerCall, CircuitBreaker
from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused, ModelTimeout
from runs.agent.model_calls.call_outcomes import outcome_of
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.providers.scripted import answers
from runs.agent.thoughts import ThoughtType
from tests.agent.model_calls.models import Clock, Model, Notebook, failure, hangs, reply_of, until


@pytest.fixture
def clock():
    return Clock()


def call(breaker, outcome):
    begun = breaker.begin()
    assert isinstance(begun, BreakerCall)
    begun.ended(outcome)


def told_to_wait(breaker):
    wait_s = breaker.begin()
    assert isinstance(wait_s, float)
    return wait_s


def broken(clock):
    breaker = CircuitBreaker(clock)
    for _ in range(20):
        call(breaker, "failed")
    return breaker


def test_it_opens_at_half_of_twenty_calls_and_not_before(clock):
    breaker = CircuitBreaker(clock)
    for _ in range(10):
        call(breaker, "succeeded")
    for _ in range(9):
        call(breaker, "failed")
    assert isinstance(breaker.begin(), BreakerCall)

    call(breaker, "failed")

    assert OPEN_S <= told_to_wait(breaker) <= OPEN_S * 4 / 3


def test_failures_of_long_ago_do_not_count(clock):
    breaker = CircuitBreaker(clock)
    for _ in range(19):
        call(breaker, "failed")
    clock.now += 31

    call(breaker, "failed")

    assert isinstance(breaker.begin(), BreakerCall)


def test_one_probe_is_let_through_and_its_success_closes_it(clock):
    breaker = broken(clock)
    clock.now += OPEN_S * 2
    probe = breaker.begin()
    assert isinstance(probe, BreakerCall)
    assert isinstance(breaker.begin(), float)

    probe.ended("succeeded")

    assert isinstance(breaker.begin(), BreakerCall)
    assert isinstance(breaker.begin(), BreakerCall)


def test_a_failed_probe_opens_it_again_and_a_cancelled_one_leaves_its_place_to_the_next(clock):
    breaker = broken(clock)
    clock.now += OPEN_S * 2
    call(breaker, "not_counted")
    call(breaker, "failed")

    assert told_to_wait(breaker) >= OPEN_S


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (failure("rate_limited", status=429), "succeeded"),
        (failure("refused", status=400), "succeeded"),
        (failure("auth", status=401), "succeeded"),
        (failure("server", status=500), "failed"),
        (failure("overloaded", status=529), "failed"),
        (failure("network"), "failed"),
        (failure("timeout"), "failed"),
        (ModelTimeout("idle_timeout_s", 30, provider="p", model="m", phase="stream"), "failed"),
        (ModelTimeout("max_duration_s", 30, provider="p", model="m", phase="stream"), "not_counted"),
    ],
    ids=str,
)
def test_a_limit_is_no_failure_and_a_runs_own_end_says_nothing(error, outcome):
    assert outcome_of(error) == outcome


async def until_open(registry, model, clock):
    for _ in range(10):
        with pytest.raises(ModelFailure):
            await reply_of([model], Notebook(), health=registry)
        clock.now += 2  # The retry budget is refilled.


async def test_a_model_behind_an_open_breaker_is_not_asked_and_the_run_says_until_when(clock):
    registry, notebook = HealthRegistry(clock), Notebook()
    model = Model(failure("network"))
    await until_open(registry, model, clock)
    asked_before = len(model.requests)

    with pytest.raises(ModelPaused) as caught:
        await reply_of([model], notebook, health=registry)

    assert len(model.requests) == asked_before
    (told,) = notebook.thoughts(ThoughtType.RETRY)
    assert told.metadata["code"] == "model_breaker_open"
    assert told.metadata["retry_at"] == caught.value.retry_at
    assert told.metadata["wait_s"] is None


async def test_behind_an_open_breaker_the_next_model_is_asked(clock):
    registry = HealthRegistry(clock)
    broken_model, well = Model(failure("network")), Model(answers("Here."), model="well")
    await until_open(registry, broken_model, clock)

    asked = await reply_of([broken_model, well], Notebook(), health=registry)

    assert asked.provider is well


async def test_stopped_calls_do_not_open_it():
    registry, model = HealthRegistry(), Model(hangs)
    for _ in range(25):
        task = asyncio.create_task(reply_of([model], Notebook(), health=registry))
        await until(lambda: len(model.requests) > model.left)
        task.cancel()
        await asyncio.wait([task])

    assert isinstance(registry.of(model).breaker.begin(), BreakerCall)
