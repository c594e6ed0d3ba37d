"""Incomplete replies: the model is asked to continue, or the answer is marked as incomplete."""

import pytest

from runs.agent import RetryPolicy, RunLimits, run_agent
from runs.agent.incomplete_replies import MAX_CONTINUATIONS
from runs.agent.messages import ModelReply
from runs.agent.model_settings import ModelSettings
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.thoughts import AgentThought, ThoughtType
from tests.wire import Answer, Status
from tests.wire.models import FORMATS, model_at

ONCE = RetryPolicy(max_attempts=1)


def cut(text: str) -> ModelReply:
    return ModelReply(text=text, ending="cut", ending_reason="length")


async def ended(model, **options):
    thoughts: list[AgentThought] = []
    result = await run_agent("Tell me.", model=model, tools=[], retry=ONCE, report=thoughts.append, **options)
    return result, thoughts


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_goes_on_where_its_reply_was_cut(wire_server, wire_format):
    reasons = {"google": "MAX_TOKENS", "anthropic": "max_tokens"}
    wire_server.script(
        Answer("First, open the lid; second, pre", finish_reason=reasons.get(wire_format, "length")),
        Answer("ss the button."),
    )

    result, thoughts = await ended(model_at(wire_server, wire_format))

    assert result.output == "First, open the lid; second, press the button."
    assert [each.type for each in thoughts] == [ThoughtType.NOTE, ThoughtType.ANSWER]
    assert thoughts[0].metadata["partial"] and thoughts[0].metadata["goes_on"]
    assert "ending" not in thoughts[-1].metadata
    assert "second, pre" in str(wire_server.requests[1].body)
    assert "Go on exactly where it stopped" in str(wire_server.requests[1].body)


async def test_each_continuation_is_a_turn():
    result, _ = await ended(ScriptedModel(cut("One, "), answers("two.")), limits=RunLimits(max_turns=1))

    assert result.error.code == "limit_max_turns"


async def test_a_reply_that_is_cut_again_and_again_is_completed_with_a_mark():
    pieces = [cut(f"part {number}, ") for number in range(10)]
    model = ScriptedModel(*pieces)

    result, thoughts = await ended(model)

    assert result.output == "".join(f"part {number}, " for number in range(MAX_CONTINUATIONS + 1))
    assert thoughts[-1].metadata["ending"] == "cut"
    assert "cut off at its length limit" in thoughts[-2].content
    assert len(model.requests) == MAX_CONTINUATIONS + 1


async def test_a_model_that_begins_anew_is_not_asked_for_ever():
    model = ScriptedModel(*[cut("The three steps are: first,")] * 10)

    result, thoughts = await ended(model)

    assert result.output == "The three steps are: first,"
    assert thoughts[-1].metadata["ending"] == "cut"
    assert len(model.requests) == 2


async def test_a_limit_the_agent_sets_on_its_replies_is_kept():
    model = ScriptedModel(cut("As long as it may"))

    result, thoughts = await ended(model, settings=ModelSettings(max_output_tokens=20))

    assert result.output == "As long as it may"
    assert thoughts[-1].metadata == thoughts[-1].metadata | {"ending": "cut", "ending_reason": "length"}


async def test_data_that_was_cut_goes_on_to_be_whole_data():
    model = ScriptedModel(cut('{"city": "Gh'), answers('ent"}'))

    result, _ = await ended(model, output={"type": "object", "required": ["city"]})

    assert result.output == {"city": "Ghent"}


async def test_an_unknown_end_is_told_beside_the_answer():
    model = ScriptedModel(ModelReply(text="Done.", ending_reason="moonset"))

    result, thoughts = await ended(model)

    assert result.output == "Done."
    assert "moonset" in thoughts[0].content
    assert thoughts[-1].metadata["ending_reason"] == "moonset"


async def test_thoughts_a_provider_left_out_are_told():
    model = ScriptedModel(ModelReply(text="Done.", dropped=2))

    _, thoughts = await ended(model)

    assert "2 thoughts of earlier turns" in thoughts[0].content


OVERFLOWS = [
    ("openai", 400, "request (8032 tokens) exceeds the available context size (4096 tokens), try increasing it", None),
    ("openai", 400, "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens", None),
    ("openai", 400, "Your input exceeds the context window of this model.", "context_length_exceeded"),
    ("anthropic", 400, "prompt is too long: 9000 tokens > 4096 maximum", None),
    ("google", 400, "The input token count (9000) exceeds the maximum number of tokens allowed (4096).", None),
]


@pytest.mark.parametrize(("wire_format", "status", "words", "code"), OVERFLOWS)
async def test_a_request_that_is_too_large_is_made_smaller_and_made_again(
    wire_server, wire_format, status, words, code
):
    calls = [("text_stats", {"text": "word " * 20})]
    long = [("text_stats", {"text": "x " * 12_000})]
    model = model_at(wire_server, wire_format, model=f"small-{abs(hash(words))}")
    wire_server.script(
        Answer(calls=long), Answer(calls=calls), Status(status, message=words, error_code=code), Answer("Done.")
    )
    thoughts: list[AgentThought] = []

    result = await run_agent("Count.", model=model, tools=["text_stats"], retry=ONCE, report=thoughts.append)

    assert result.output == "Done.", result.error
    refused, again = wire_server.requests[-2:]
    assert len(str(again.body)) < len(str(refused.body)) / 2
    notes = [each.metadata for each in thoughts if each.metadata.get("note") == "window"]
    assert [each["learnt_tokens"] is not None for each in notes] == [True]
    assert [each.metadata["again"] for each in thoughts if each.type is ThoughtType.RETRY] == ["with a shorter history"]


async def test_a_task_that_is_too_large_by_itself_names_the_setting(wire_server):
    wire_server.script(Status(400, message="request exceeds the available context size (4096 tokens)"))

    result = await run_agent("word " * 9_000, model=model_at(wire_server, "openai", model="tiny"), tools=[], retry=ONCE)

    assert result.error.code == "model_context_overflow"
    assert "context_tokens" in str(result.error.suggested_action)
    assert len(wire_server.requests) == 1


async def test_a_size_once_learnt_holds_for_the_next_run(wire_server):
    words = "request (8032 tokens) exceeds the available context size (4096 tokens)"
    long = [("text_stats", {"text": "x " * 12_000})]
    model = model_at(wire_server, "openai", model="remembered")
    for outcomes in (
        [Answer(calls=long), Status(400, message=words), Answer("Done.")],
        [Answer(calls=long), Answer("Done.")],
    ):
        wire_server.script(*outcomes)
        result = await run_agent("Count.", model=model, tools=["text_stats"], retry=ONCE)
        assert result.output == "Done.", result.error

    assert len(str(wire_server.requests[-1].body)) < 20_000
