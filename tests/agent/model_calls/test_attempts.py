"""The attempts at one reply: when they end, and who can end them."""

import asyncio
import gc

import pytest

from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.errors.model_exceptions import ModelFailure, ModelUnavailable
from runs.agent.messages import Delta
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.model_calls.token_bucket import TokenBucket
from runs.agent.providers.scripted import answers
from runs.agent.thoughts import ThoughtType
from tests.agent.model_calls.models import Clock, Model, Notebook, failure, reply_of, speaks, until


async def test_each_attempt_is_a_card_of_its_own_which_its_retry_step_voids():
    notebook = Notebook()

    async def breaks(on_delta):
        on_delta(Delta("half of it"))
        raise failure("network")

    asked = await reply_of([Model(breaks, speaks(Delta("all of it"), then=answers("all of it")))], notebook)

    assert notebook.shown == [("1-1-1", "half of it"), ("1-2-1", "all of it")]
    assert [each.metadata["card"] for each in notebook.thoughts(ThoughtType.RETRY)] == ["1-1-1"]
    assert (asked.card, asked.attempt, asked.lane) == ("1-2-1", 2, 1)


async def test_the_next_provider_s_cards_are_not_those_of_the_first():
    notebook = Notebook()
    bad, good = Model(failure("auth", status=401)), Model(answers("Yes."), model="good")

    asked = await reply_of([bad, good], notebook)

    assert (asked.card, asked.lane) == ("1-1-2", 2)
    assert notebook.thoughts(ThoughtType.RETRY)[0].metadata["lane"] == 1


async def test_the_very_same_answer_twice_that_says_nothing_of_later_ends_the_attempts():
    model, notebook = Model(failure("server", status=507)), Notebook()

    with pytest.raises(ModelUnavailable, match=r"after 2 attempts: .* The same failure occurred twice"):
        await reply_of([model], notebook, retry=RetryPolicy(max_attempts=5, base_s=0))

    assert len(model.requests) == 2
    assert "The same failure" in notebook.thoughts(ThoughtType.RETRY)[-1].metadata["no_more_because"]


@pytest.mark.parametrize(
    ("most", "told"), [(1, ["1 of 2", "2 of 3", "3 of 3"]), (2, ["1 of 3", "2 of 4", "3 of 4", "4 of 4"])]
)
async def test_an_attempt_with_a_changed_request_is_one_more_than_the_policy_says(most, told):
    refused = failure("refused", status=400)
    refused.again = "without `stream_options`"
    notebook = Notebook()

    with pytest.raises(ModelUnavailable, match=f"after {len(told)} attempts"):
        await reply_of(
            [Model(refused, refused, failure(status=503))], notebook, retry=RetryPolicy(max_attempts=most, base_s=0)
        )

    failed = [each.fields for each in notebook.thoughts(ThoughtType.RETRY)]
    assert [f"{each.attempt} of {each.max_attempts}" for each in failed] == told


async def test_the_rounds_of_a_race_are_numbered_likewise():
    refused = failure("refused", status=400)
    refused.again = "without `stream_options`"
    models = [Model(refused, failure("auth", status=401)), Model(failure("auth", status=401), model="b")]
    notebook = Notebook()

    with pytest.raises(ModelFailure):
        await reply_of(models, notebook, retry=RetryPolicy(max_attempts=1), strategy="race")

    failed = [each.fields for each in notebook.thoughts(ThoughtType.RETRY)]
    assert [(each.attempt, each.max_attempts) for each in failed] == [(1, 1), (1, 1), (1, 2), (2, 2)]


@pytest.mark.parametrize("status", [500, 503, 429, None])
async def test_the_same_words_from_an_overloaded_server_are_tried_as_often_as_the_policy_says(status):
    model = Model(failure("overloaded", status=status))

    with pytest.raises(ModelUnavailable, match="after 5 attempts"):
        await reply_of([model], Notebook(), retry=RetryPolicy(max_attempts=5, base_s=0))


async def test_without_allowance_there_is_no_further_attempt_and_the_step_says_why():
    registry, notebook = HealthRegistry(Clock()), Notebook()
    model = Model(failure())
    while registry.of(model).provider.retries.take():
        pass

    with pytest.raises(ModelUnavailable, match="Too many of the last requests to 'p' were retries"):
        await reply_of([model], notebook, health=registry)

    assert len(model.requests) == 1


def test_extra_requests_are_a_share_of_all_calls_and_a_few():
    clock = Clock()
    allowance = TokenBucket(share=0.1, reserve=10, refill_per_s=0.5, clock=clock)

    assert sum(allowance.take() for _ in range(100)) == 10
    for _ in range(50):
        allowance.note_call()
    assert sum(allowance.take() for _ in range(100)) == pytest.approx(5, abs=1)
    clock.now += 3600
    assert sum(allowance.take() for _ in range(100)) == 10


async def test_a_person_can_have_the_next_attempt_made_now_although_the_provider_asked_for_a_wait():
    notebook, sleep = Notebook(), InterruptibleSleep()
    model = Model(failure("rate_limited", status=429, retry_after_s=50), answers("There."))

    task = asyncio.create_task(reply_of([model], notebook, sleep=sleep))
    await notebook.has(ThoughtType.RETRY)
    await until(sleep.try_now)

    assert (await task).reply.text == "There."
    assert not sleep.try_now()


async def test_a_person_can_stop_the_attempts_at_one_model_and_the_next_one_is_asked():
    notebook, sleep = Notebook(), InterruptibleSleep()
    stuck, other = Model(failure(retry_after_s=50)), Model(answers("Me."), model="other")

    task = asyncio.create_task(reply_of([stuck, other], notebook, sleep=sleep))
    await notebook.has(ThoughtType.RETRY)
    await until(sleep.stop_retrying)

    assert (await task).provider is other


def test_what_is_known_of_a_script_s_own_provider_goes_with_it():
    registry = HealthRegistry()
    model = Model(answers("Hi."))
    health = registry.of(model)
    assert registry.of(model) is health

    del model
    gc.collect()

    assert registry.of(Model(answers("Hi."))) is not health
    assert len(registry._of_objects) <= 1
