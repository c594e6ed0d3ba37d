"""Faults of an independent double, in every format, and their effect on a run."""

import pytest

from runs.agent import AgentThought, RetryPolicy, ThoughtType, run_agent
from runs.agent.messages import ModelProvider
from tests.doubles.aimock import USED, Aimock, fixture

TIDE = "The tide comes in twice a day, at six and again at half past six."
SOON = RetryPolicy(base_s=0.001)


def refusal(status: int, message: str, **error: str) -> dict[str, object]:
    """An error of a provider."""
    return {"error": {"message": message, **error}, "status": status}


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (401, "Incorrect API key provided.", "model_auth"),
        (404, "There is no such model.", "model_not_found"),
        (400, "This model's maximum context length is 4096 tokens.", "model_context_overflow"),
        (400, "Your tools are malformed.", "model_refused"),
    ],
)
async def test_what_cannot_pass_is_told_once_with_the_providers_words(
    aimock: Aimock, model: ModelProvider, status, message, code
):
    aimock.answer(fixture(refusal(status, message, type="invalid_request_error")))

    result = await run_agent("When is high tide?", model=model, retry=SOON)

    assert not result.success
    assert result.error is not None
    assert result.error.code == code
    assert message in result.error.message
    assert len(aimock.requests()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "model_overloaded"), (429, "model_rate_limited")],
)
async def test_what_may_pass_is_tried_again_and_shown(aimock: Aimock, model: ModelProvider, status, code):
    failing = refusal(status, "Not now.") | {"retryAfter": 0}
    aimock.answer_in_turn(failing, {"content": TIDE, "usage": USED})
    thoughts: list[AgentThought] = []

    result = await run_agent("When is high tide?", model=model, retry=SOON, report=thoughts.append)

    assert result.output == TIDE, result.error
    assert [each.metadata["code"] for each in thoughts if each.type is ThoughtType.RETRY] == [code]


@pytest.mark.parametrize("how", [{"truncateAfterChunks": 3}, {"disconnectAfterMs": 60, "latency": 25}])
async def test_a_reply_that_breaks_off_is_asked_for_again(aimock: Aimock, model: ModelProvider, how):
    aimock.answer_in_turn(fixture({"content": TIDE * 5, "usage": USED}, **how), {"content": TIDE, "usage": USED})
    thoughts: list[AgentThought] = []

    result = await run_agent("When is high tide?", model=model, retry=SOON, report=thoughts.append)

    assert result.success, result.error
    assert str(result.output).endswith(TIDE)
    assert ThoughtType.RETRY in [each.type for each in thoughts]


@pytest.mark.parametrize("fault", ["dropRate", "malformedRate", "rateLimitRate", "disconnectRate"])
async def test_chaos_is_survived_once_it_is_over(aimock: Aimock, model: ModelProvider, fault):
    aimock.answer(fixture({"content": TIDE, "usage": USED}))
    aimock.chaos(**{fault: 1.0})
    retries: list[AgentThought] = []

    def end_it(thought: AgentThought) -> None:
        if thought.type is ThoughtType.RETRY:
            retries.append(thought)
            aimock.chaos()

    result = await run_agent("When is high tide?", model=model, retry=SOON, report=end_it)

    assert result.output == TIDE, result.error
    assert len(retries) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [("dropRate", "model_server"), ("malformedRate", "model_bad_reply"), ("disconnectRate", "model_network")],
)
async def test_chaos_without_end_ends_the_run_with_an_error_that_says_what_it_was(
    aimock: Aimock, model: ModelProvider, fault, code
):
    aimock.answer(fixture({"content": TIDE}))
    aimock.chaos(**{fault: 1.0})

    result = await run_agent("When is high tide?", model=model, retry=RetryPolicy(max_attempts=2, base_s=0.001))

    assert result.error is not None
    assert result.error.code == code
