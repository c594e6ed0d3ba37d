"""The context window: what a model still sees of a long run."""

import tracemalloc
from dataclasses import replace

import pytest

from runs.agent import AgentThought, RunLimits, ThoughtType, Toolbox, run_agent, tool
from runs.agent.context_window import ContextWindow, tokens_in, usable_tokens
from runs.agent.messages import ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.output_text import output_text
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.usage import Usage

SMALL = 2_000


@tool(effect="pure")
def look_up(page: int) -> str:
    """Read a page."""
    return f"Page {page}: " + "words of it " * 200


@tool(effect="pure")
def glance(page: int) -> str:
    """Read a page's title."""
    return f"Title {page}"


class Reader:
    """A model that reads one page after the other, then answers. `seen` has the size of each request."""

    name = "reader"
    model = "r1"

    def __init__(self, pages: int, tool_name: str = "look_up", at_once: int = 1) -> None:
        self.pages = pages
        self.tool_name = tool_name
        self.at_once = at_once
        self.sizes: list[int] = []
        self.last: ModelRequest | None = None

    async def reply(self, request: ModelRequest, *, on_delta=None) -> ModelReply:
        turn = request.hidden_turns + len(request.turns)
        self.sizes.append(size_of(request))
        self.last = request
        for each in request.turns:
            assert len(each.reply.calls) == len(each.results)
        if turn == self.pages:
            return answers("Read.")
        calls = tuple(ToolRequest(self.tool_name, {"page": turn * self.at_once + i}) for i in range(self.at_once))
        return ModelReply(calls=calls, replay={"turn": turn})


def size_of(request: ModelRequest) -> int:
    told = [output_text(result.output) for turn in request.turns for result in turn.results]
    return tokens_in(request.task) + sum(tokens_in(text) for text in told)


def windows(thoughts: list[AgentThought]) -> list[AgentThought]:
    return [each for each in thoughts if each.type is ThoughtType.NOTE and each.metadata["note"] == "window"]


async def test_a_run_of_300_turns_with_a_small_window_completes_and_every_request_fits():
    model = Reader(300)
    thoughts: list[AgentThought] = []

    result = await run_agent(
        "Read it all.",
        model=model,
        tools=Toolbox([look_up]),
        limits=RunLimits(max_turns=301, context_tokens=SMALL),
        report=thoughts.append,
    )

    assert result.success and result.steps_taken == len(thoughts)
    assert max(model.sizes) <= usable_tokens(SMALL)
    assert len(model.sizes) == 301


async def test_what_is_no_longer_seen_is_said_when_it_changes_and_not_every_turn():
    thoughts: list[AgentThought] = []

    await run_agent(
        "Read it all.",
        model=Reader(120, "glance"),
        tools=Toolbox([glance]),
        limits=RunLimits(max_turns=121, context_tokens=SMALL),
        report=thoughts.append,
    )

    notes = windows(thoughts)
    assert 1 <= len(notes) <= 12
    hidden = [note.metadata["hidden_turns"] for note in notes]
    assert hidden == sorted(hidden) and hidden[-1] > 50
    assert f"no longer sees turns 1 to {hidden[-1]}" in notes[-1].content
    assert "its window holds 2,000 tokens" in notes[-1].content


async def test_old_results_are_shortened_before_any_turn_is_left_out():
    thoughts: list[AgentThought] = []
    model = Reader(17)

    await run_agent(
        "Read it.",
        model=model,
        tools=Toolbox([look_up]),
        limits=RunLimits(context_tokens=12_000),
        report=thoughts.append,
    )

    (note,) = windows(thoughts)
    assert note.metadata["hidden_turns"] == 0 and note.metadata["shortened_turns"] > 0
    assert "sees only the beginning of long results in turn" in note.content
    assert model.last is not None
    first, last = model.last.turns[0].results[0].output, model.last.turns[-1].results[0].output
    assert "[shortened: it had 2,4" in first and first.startswith("Page 0: words")
    assert last == "Page 16: " + "words of it " * 200


async def test_a_turn_stays_whole_or_goes_as_a_whole_with_its_replay_value():
    model = Reader(40, at_once=3)

    await run_agent(
        "Read it.", model=model, tools=Toolbox([look_up]), limits=RunLimits(max_turns=41, context_tokens=4_000)
    )

    assert model.last is not None and model.last.hidden_turns > 0
    first_shown = model.last.turns[0]
    assert first_shown.reply.replay == {"turn": model.last.hidden_turns}
    assert [call.arguments["page"] for call in first_shown.reply.calls] == [
        model.last.hidden_turns * 3 + i for i in range(3)
    ]


async def test_the_model_is_told_what_the_turns_it_no_longer_sees_were_about():
    model = Reader(60)

    await run_agent(
        "Read it.", model=model, tools=Toolbox([look_up]), limits=RunLimits(max_turns=61, context_tokens=SMALL)
    )

    assert model.last is not None
    hidden = model.last.hidden_turns
    assert model.last.task.startswith("Read it.\n\n")
    assert f"Turns 1 to {hidden} are no longer shown to you" in model.last.task
    assert f"look_up {hidden} times" in model.last.task
    assert f"look_up(page={hidden - 1}) → Page {hidden - 1}: words" in model.last.task


async def test_one_result_larger_than_the_window_is_cut_to_fit():
    @tool(effect="pure")
    def read_all() -> str:
        """Read everything."""
        return "x" * 30_000

    sizes: list[int] = []

    def answer(request: ModelRequest) -> ModelReply:
        sizes.append(size_of(request))
        return answers("Done.")

    model = ScriptedModel(ModelReply(calls=(ToolRequest("read_all", {}),)), answer)
    result = await run_agent("Read.", model=model, tools=Toolbox([read_all]), limits=RunLimits(context_tokens=SMALL))

    assert result.success
    assert 500 < sizes[0] <= usable_tokens(SMALL)


async def test_what_a_provider_counts_corrects_the_guess():
    class Dense(Reader):
        async def reply(self, request: ModelRequest, *, on_delta=None) -> ModelReply:
            reply = await super().reply(request)
            usage = Usage(input_tokens=size_of(request) * 2 + 400, output_tokens=5)
            return ModelReply(text=reply.text, calls=reply.calls, usage=usage)

    model = Dense(60)
    await run_agent(
        "Read it.", model=model, tools=Toolbox([look_up]), limits=RunLimits(max_turns=61, context_tokens=SMALL * 2)
    )

    assert max(model.sizes[5:]) * 2 <= usable_tokens(SMALL * 2)


async def test_a_long_run_does_not_keep_what_its_model_no_longer_sees():
    @tool(effect="pure")
    def read_much(page: int) -> str:
        """Read a long page."""
        return f"{page}" + "y" * 30_000

    model = Reader(300, "read_much")
    tracemalloc.start()
    await run_agent(
        "Read.", model=model, tools=Toolbox([read_much]), limits=RunLimits(max_turns=301, context_tokens=20_000)
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4_000_000, "300 results of 30 KB are 9 MB"


@pytest.mark.parametrize("text", ["four words of English " * 50, "四个汉字" * 50, ""])
def test_a_guess_of_tokens_grows_with_the_bytes(text):
    assert tokens_in(text) == len(text.encode()) // 4 + 1


async def test_a_request_that_is_under_way_keeps_its_turns_when_another_lane_needs_fewer():
    held: list[ModelRequest] = []
    turns = 30

    class Keeps(Reader):
        async def reply(self, request: ModelRequest, *, on_delta=None) -> ModelReply:
            held.append(request)
            return await super().reply(request)

    await run_agent(
        "Read it.",
        model=Keeps(turns),
        tools=Toolbox([look_up]),
        limits=RunLimits(max_turns=turns + 1, context_tokens=SMALL),
    )

    for number, request in enumerate(held):
        assert request.hidden_turns + len(request.turns) == number
        assert all(turn.results for turn in request.turns)


def test_what_people_said_in_turns_that_are_left_out_is_still_told():
    said = ToolResult("1", "look_up", "words of it " * 200)
    read = Turn(ModelReply(calls=(ToolRequest("look_up", {"page": 1}),)), (said,))
    turns = [replace(read, messages=("Use feet.",)), *[read] * 20]
    window = ContextWindow(turns)
    request = ModelRequest(task="Read.", turns=turns, messages=("Now metres.",))
    before = window.tokens_for(request)

    window.fit(request, 1_200)

    shown = window.shown(request)
    assert shown.hidden_turns > 0
    assert "Use feet." in shown.task
    assert shown.messages == ("Now metres.",)
    assert before - ContextWindow(turns).tokens_for(replace(request, messages=())) > 0
