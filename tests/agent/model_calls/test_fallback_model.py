"""`FallbackModel` by itself."""

import pytest

from runs.agent.errors.exceptions import LimitReached
from runs.agent.errors.model_exceptions import ModelFailure, ModelTimeout, ModelUnavailable
from runs.agent.messages import ModelRequest
from runs.agent.model_calls.attempt import Attempt
from runs.agent.model_calls.fallback_model import FallbackModel
from runs.agent.providers.scripted import answers
from tests.agent.model_calls.contexts import context_of
from tests.agent.model_calls.models import Model, failure

ASKED = ModelRequest(task="Hello?")


class Attempted(Model):
    """A model with the attempt that gave its reply."""

    @property
    def attempt(self):
        return Attempt(provider=self, lane=1, number=1, card="1-1-1", reply=answers(self.model))


async def test_the_next_model_is_asked_when_the_one_before_has_failed():
    bad, good = Attempted(failure("auth"), model="bad"), Attempted(answers("good"), model="good")
    unasked = Attempted(answers("No."))
    model = FallbackModel([bad, good, unasked], context_of())

    reply = await model.reply(ASKED)

    assert (reply.text, model.received.provider) == ("good", good)
    assert (len(bad.requests), unasked.requests) == (1, [])


async def test_the_failure_of_the_last_model_is_the_one_that_is_raised():
    last = failure("auth")

    with pytest.raises(ModelFailure) as caught:
        await FallbackModel([Attempted(failure()), Attempted(last)], context_of()).reply(ASKED)
    assert caught.value is last


async def test_no_further_model_is_asked_once_the_runs_time_is_up():
    late = ModelTimeout("max_duration_s", 5, provider="p", model="m", phase="stream")
    unasked = Attempted(answers("No."))

    for end in (late, ModelUnavailable(late, attempts=2)):
        with pytest.raises(LimitReached):
            await FallbackModel([Attempted(end), unasked], context_of()).reply(ASKED)
    with pytest.raises(LimitReached):
        await FallbackModel([Attempted(failure()), unasked], context_of(left_s=0)).reply(ASKED)
    assert unasked.requests == []


def test_without_a_reply_there_is_nothing_received():
    with pytest.raises(LookupError):
        _ = FallbackModel([Attempted()], context_of()).received
