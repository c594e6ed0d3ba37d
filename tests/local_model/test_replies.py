"""Replies of a real model are streamed, counted, fit a schema, and end when they are stopped."""

import asyncio
from dataclasses import dataclass

import pytest

from runs.agent import RunLimits, ThoughtType, run_agent
from runs.agent.messages import Delta, Exchange, ModelReply, ModelRequest, Turn
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.thoughts import AgentThought
from tests.local_model.server import CONTEXT_TOKENS, MAX_OUTPUT_TOKENS, LocalModel

LONG = "Write a long story about a ship, with many details."
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 30}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
NUMBERS = {
    "type": "object",
    "properties": {"numbers": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4}},
    "required": ["numbers"],
    "additionalProperties": False,
}
CHOICE = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["good", "bad"]},
        "about": {
            "type": "object",
            "properties": {"is_new": {"type": "boolean"}},
            "required": ["is_new"],
            "additionalProperties": False,
        },
    },
    "required": ["verdict", "about"],
    "additionalProperties": False,
}


@pytest.fixture(params=["openai", "responses"])
def model(request: pytest.FixtureRequest, local_model: LocalModel) -> RemoteModel:
    """The model, in each format its server speaks."""
    return local_model.speaks(request.param)


@dataclass(frozen=True, slots=True)
class Written:
    """A long reply, and observations from outside."""

    reply: ModelReply
    pieces: list[str]
    busy_at_third_piece: int
    counted_tokens: int


@pytest.fixture(scope="module", params=["openai", "responses"])
def written(request: pytest.FixtureRequest, running_model: LocalModel) -> Written:
    """A reply of the maximum length, in each format; it takes seconds, so it is requested once.

    A format's first reply in a process loads its SDK's types, which takes a second or more without any reading. A short
    reply comes first, so that the timing of the long one depends on the server alone.
    """
    asyncio.run(running_model.speaks(request.param).reply(ModelRequest(task="Say hi.")))
    running_model.seconds_until_idle(30)
    before, pieces, busy = running_model.tokens_written(), list[str](), list[int]()

    def note(delta: Delta) -> None:
        if not delta.text:
            return  # A sign of life, which may come before the server has begun to write.
        pieces.append(delta.text)
        if len(pieces) == 3:
            busy.append(running_model.busy_slots())

    reply = asyncio.run(running_model.speaks(request.param).reply(ModelRequest(task=LONG), on_delta=note))
    return Written(reply, pieces, busy[0], running_model.tokens_written() - before)


def test_a_reply_arrives_in_pieces_while_it_is_written(written: Written):
    assert len(written.pieces) > 20
    assert "".join(written.pieces).strip() == written.reply.text.strip()
    assert written.busy_at_third_piece == 1


def test_the_usage_of_a_reply_is_what_the_server_counted(written: Written):
    usage = written.reply.usage

    assert usage.output_tokens == written.counted_tokens
    assert (usage.input_tokens or 0) > len(LONG.split())
    assert not usage.is_estimated


def test_a_reply_at_the_servers_limit_is_said_to_be_cut(written: Written):
    assert written.counted_tokens == MAX_OUTPUT_TOKENS
    assert written.reply.ending == "cut"


async def test_what_was_said_before_is_understood(model: RemoteModel):
    earlier = [Exchange("My name is Ada.", answer=ModelReply("Hello Ada."))]
    faulty = Turn(ModelReply("It is Bob."), faults=("That is not your name.",))

    reply = await model.reply(ModelRequest(task="What is my name?", earlier=earlier, turns=[faulty]))

    assert reply.text


@pytest.mark.parametrize(
    ("task", "schema"),
    [
        ("Ghent has 265000 people. Which city, how many people?", CITY),
        ("Name three numbers.", NUMBERS),
        ("Is bread good?", CHOICE),
    ],
)
async def test_a_schema_is_held_by_the_servers_grammar_at_the_first_try(local_model: LocalModel, task, schema):
    # Chat completions only: the server's /v1/responses ignores the requested format.
    model = local_model.speaks("openai")
    thoughts: list[AgentThought] = []

    result = await run_agent(task, model=model, tools=[], output=schema, report=thoughts.append)

    assert result.success, result.error
    assert isinstance(result.output, dict)
    assert set(result.output) == set(schema["properties"])
    assert [each.type for each in thoughts] == [ThoughtType.ANSWER]


async def test_a_stopped_run_frees_its_slot_at_once(local_model: LocalModel, model: RemoteModel):
    writing = asyncio.Event()

    async def reply() -> None:
        await model.reply(ModelRequest(task=LONG), on_delta=lambda _: writing.set())

    task = asyncio.create_task(reply())
    async with asyncio.timeout(30):
        await writing.wait()
    before = local_model.tokens_written()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.to_thread(local_model.seconds_until_idle, 2)
    assert local_model.tokens_written() - before < MAX_OUTPUT_TOKENS / 2


async def test_a_task_beyond_the_window_is_told_as_what_it_is(model: RemoteModel):
    task = "the tide " * CONTEXT_TOKENS

    result = await run_agent(task, model=model, tools=[], limits=RunLimits(max_turns=3))

    assert not result.success
    assert result.error is not None
    assert result.error.code == "model_context_overflow"
