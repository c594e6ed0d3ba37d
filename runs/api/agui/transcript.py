"""A run as the messages of a conversation: made from its recorded steps alone, so always the same."""

import json
from typing import Any

from runs.agent.unfinished import NOTE
from runs.api.agui.drafts import Role

Message = dict[str, Any]

UNFINISHED = {"agentsite": {"unfinished": True}}
"""The `metadata` of a message whose reply was never finished."""


class Transcript:
    """The messages of one run, as far as its steps were taken in."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._messages: dict[str, Message] = {}
        self._calls: set[str] = set()
        self._unfinished: dict[str, int] = {}
        """Messages of unfinished replies, and their turns."""
        self._begun: set[str] = set()
        """Those that the next reply goes on from."""

    def id_of(self, role: Role, turn: int) -> str:
        """The id of what the model thought in a turn, or of what it said: its answer, or the calls it asked for."""
        return f"{self.run_id}:{turn}:{role}"

    def result_id(self, step: dict[str, Any]) -> str:
        """The id of a tool's result."""
        return f"{self.run_id}:{step['sequence']}:result"

    def is_ours(self, message_id: str) -> bool:
        """True for the id of a message of this run."""
        return message_id.startswith(f"{self.run_id}:")

    def has_call(self, step: dict[str, Any]) -> bool:
        """True if the call of a step is there."""
        return (step["call_id"] or "") in self._calls

    def messages(self) -> list[Message]:
        """All of them, in their order."""
        return list(self._messages.values())

    def add(self, step: dict[str, Any]) -> None:
        """Take in the next step. Steps that are no part of the conversation change nothing."""
        turn = step["turn"] or 0
        match step["kind"]:
            case "reasoning" | "answer" as kind:
                self.drop_unfinished(turn)
                role: Role = "reasoning" if kind == "reasoning" else "assistant"
                self._put({"id": self.id_of(role, turn), "role": role, "content": step["content"]})
            case "tool_call" if not self.has_call(step):
                self.drop_unfinished(turn)
                self._calls.add(step["call_id"] or "")
                parent_id = self.id_of("assistant", turn)
                calls = [*self._messages.get(parent_id, {}).get("toolCalls", ()), call_of(step)]
                self._put({"id": parent_id, "role": "assistant", "toolCalls": calls})
            case "tool_result" if self.has_call(step):
                result = {"id": self.result_id(step), "role": "tool", "content": step["content"]}
                self._put(result | {"toolCallId": step["call_id"] or ""})
            case _ if is_unfinished(step):
                self._add_unfinished(step)
            case _ if step["metadata"].get("note") == "bad_output":
                self.drop_unfinished(turn)

    def drop_unfinished(self, turn: int) -> bool:
        """The reply of this turn is there: what was never finished gives way to it. True if there was anything."""
        gone = [message_id for message_id, of in self._unfinished.items() if of <= turn]
        self._drop(gone)
        return bool(gone)

    def _add_unfinished(self, step: dict[str, Any]) -> None:
        turn = step["turn"] or 0
        # Another attempt at the same reply takes its place; a part of a reply stands beside the next part.
        self._drop([each for each, of in self._unfinished.items() if of == turn and each not in self._begun])
        text = step["metadata"].get("answer")
        if isinstance(text, str) and text.strip():
            message_id = f"{self.run_id}:{step['sequence']}:unfinished"
            self._unfinished[message_id] = turn
            if is_gone_on_from(step):
                self._begun.add(message_id)
            self._put({"id": message_id, "role": "assistant", "content": text, "metadata": UNFINISHED})

    def _drop(self, message_ids: list[str]) -> None:
        for message_id in message_ids:
            del self._unfinished[message_id], self._messages[message_id]
            self._begun.discard(message_id)

    def _put(self, message: Message) -> None:
        # A new one each time: a snapshot that was made before must not change with it.
        self._messages[message["id"]] = self._messages.get(message["id"], {}) | message


def is_unfinished(step: dict[str, Any]) -> bool:
    """True for a note that keeps what a reply had said before it was stopped or failed."""
    return bool(step["kind"] == "note" and step["metadata"].get("note") == NOTE)


def is_gone_on_from(step: dict[str, Any]) -> bool:
    """True for such a note whose reply counts as its turn's: the next turn's goes on from it."""
    return is_unfinished(step) and bool(step["metadata"].get("goes_on"))


def call_of(step: dict[str, Any]) -> dict[str, Any]:
    """A `tool_call` step as a call of an assistant's message."""
    function = {"name": step["tool_name"] or "", "arguments": arguments_of(step)}
    return {"id": step["call_id"] or "", "type": "function", "function": function}


def arguments_of(step: dict[str, Any]) -> str:
    """The arguments of a call, as JSON."""
    return json.dumps(step["tool_input"] if step["tool_input"] is not None else {})
