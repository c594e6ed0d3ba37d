"""Earlier exchanges in requests: as real messages, in each provider's format, as far as they fit."""

import json
from typing import Any

import pytest

from runs.agent.context_window import ContextWindow, tokens_in, usable_tokens
from runs.agent.earlier_exchanges import EarlierExchanges
from runs.agent.messages import Exchange, ModelReply, ModelRequest, ToolRequest, ToolResult, Turn
from runs.agent.providers.scripted import answers
from tests.wire import Answer
from tests.wire.models import FORMATS, model_at

SUM = Turn(
    ModelReply(text="I compute.", calls=(ToolRequest("calculator", {"expression": "17 * 23"}),)),
    (ToolResult("1", "calculator", 391),),
)
FIRST = Exchange("What is 17 * 23?", (SUM,), ModelReply(text="It is 391."))


def said_in(body: dict[str, Any], wire_format: str) -> list[tuple[str, str]]:
    """The messages of a request as role and text, in order, independent of the format."""
    if wire_format == "responses":
        return [_item(each) for each in body["input"]]
    told = body["contents"] if wire_format == "google" else body["messages"]
    said: list[tuple[str, str]] = []
    for message in told:
        role = {"model": "assistant"}.get(message["role"], message["role"])
        if role == "system":
            continue
        content = message.get("parts") or message.get("content") or ""
        parts = [content] if isinstance(content, str) else content
        said += [(role, part if isinstance(part, str) else json.dumps(part)) for part in parts if part]
        said += [(role, json.dumps(call)) for call in message.get("tool_calls") or ()]
    return said


def _item(item: dict[str, Any]) -> tuple[str, str]:
    roles = {"function_call": "assistant", "function_call_output": "tool"}
    return roles.get(item.get("type", "")) or item["role"], json.dumps(item.get("content", item))


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_is_told_the_earlier_task_its_calls_and_results_and_answer_and_then_the_new_one(
    wire_server, wire_format
):
    model = model_at(wire_server, wire_format)

    await model.reply(ModelRequest(task="Add 10 to it.", earlier=[FIRST]))

    said = said_in(wire_server.requests[0].body, wire_format)
    expected = ["What is 17 * 23?", "I compute.", "17 * 23", "391", "It is 391.", "Add 10 to it."]
    assert [part for part, (_, text) in zip(expected, said, strict=True) if part in text] == expected
    assert [role for role, _ in said][0::4] == ["user", "assistant"]
    assert said[1][0] == said[2][0] == "assistant"
    assert said[3][0] in ("user", "tool")
    assert said[5][0] == "user"


@pytest.mark.parametrize("wire_format", FORMATS)
async def test_a_model_is_told_that_an_earlier_task_had_no_answer(wire_server, wire_format):
    model = model_at(wire_server, wire_format)
    stopped = Exchange("What is 17 * 23?", (SUM,), ending="That task was stopped by a person.")

    reply = await model.reply(ModelRequest(task="Go on.", earlier=[stopped]))

    assert reply.text == "I am the wire server."
    told = said_in(wire_server.requests[0].body, wire_format)[-1]
    assert told[0] == "user"
    assert "[That task was stopped by a person.]" in told[1] and "Go on." in told[1]


async def test_what_a_server_wants_back_goes_to_that_server_only(wire_server):
    wire_server.script(Answer(reasoning="Sums.", signature="c2ln", text="It is 391."))
    claude = model_at(wire_server, "anthropic")
    reply = await claude.reply(ModelRequest(task="What is 17 * 23?"))
    earlier = [Exchange("What is 17 * 23?", answer=ModelReply(text=reply.text, replay=reply.replay))]

    await claude.reply(ModelRequest(task="And 18?", earlier=earlier))
    await model_at(wire_server, "anthropic", name="elsewhere").reply(ModelRequest(task="And 18?", earlier=earlier))

    own, others = (json.dumps(request.body) for request in wire_server.requests[1:])
    assert "c2ln" in own and "It is 391." in own
    assert "c2ln" not in others and "It is 391." in others


async def test_calls_of_different_runs_have_different_ids(wire_server):
    model = model_at(wire_server, "openai")

    await model.reply(ModelRequest(task="Again.", earlier=[FIRST, FIRST], turns=[SUM]))

    messages = wire_server.requests[0].body["messages"]
    ids = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    assert len(set(ids)) == 3
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == ids


def long_exchange(number: int, *, chars: int = 4_000) -> Exchange:
    """An exchange with a long tool result."""
    turn = Turn(ModelReply(calls=(ToolRequest("read", {}),)), (ToolResult("1", "read", "x" * chars),))
    return Exchange(f"Task {number}", (turn,), answers(f"Answer {number}"))


def window_of(*earlier: Exchange) -> tuple[ContextWindow, ModelRequest]:
    return ContextWindow([], earlier), ModelRequest(task="And now?")


def test_what_fits_is_shown_in_full() -> None:
    window, request = window_of(FIRST)

    assert window.fit(request, usable_tokens(8_000)) is None
    assert list(window.shown(request).earlier) == [FIRST]


def test_what_was_done_goes_before_what_was_said() -> None:
    window, request = window_of(*[long_exchange(number) for number in range(3)])

    change = window.fit(request, 1_000)

    assert change is not None and "only the tasks and the answers" in change.words(1_000)
    shown = window.shown(request).earlier
    assert [(each.task, each.answer.text) for each in shown] == [(f"Task {n}", f"Answer {n}") for n in range(3)]
    assert [each.turns for each in shown][:2] == [(), ()]
    assert window.tokens_for(request) <= 1_000


def test_then_the_oldest_go_and_the_last_one_stays() -> None:
    spoken = [Exchange("word " * 200, answer=answers("word " * 200)) for _ in range(10)]
    window, request = window_of(*spoken)

    change = window.fit(request, 1_500)

    assert change is not None and "only the last" in change.words(1_500)
    assert 0 < len(window.shown(request).earlier) < 10
    assert window.tokens_for(request) <= 1_500


def test_of_the_last_one_the_beginning_stays() -> None:
    earlier = EarlierExchanges(
        [Exchange("Read it.", answer=answers("y" * 40_000))],
        count=tokens_in,
        count_turn=lambda turn: tokens_in(turn.reply.text),
    )

    assert earlier.shrink_to(2_000)

    (shown,) = earlier.shown
    assert shown.answer is not None and shown.answer.text.endswith("[shortened: it had 40,000 characters]")
    assert not earlier.shrink_to(earlier.tokens)


def test_the_runs_own_turns_are_kept_before_the_earlier_runs() -> None:
    window, request = window_of(long_exchange(1))
    window.turns.append(SUM)

    change = window.fit(request, 1_000)

    assert change is not None and (change.hidden_turns, change.shortened_turns) == (0, 0)
    assert window.shown(request).turns == [SUM]
