"""A run as the messages of a conversation: made from its recorded steps alone, so always the same."""

import json
from typing import Any

Message = dict[str, Any]


class Transcript:
    """The messages of one run, as far as its steps were taken in."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._messages: dict[str, Message] = {}

    def reasoning_id(self, turn: int | None) -> str:
        """The id of what the model thought in a turn."""
        return f"{self.run_id}:{turn or 0}:reasoning"

    def assistant_id(self, turn: int | None) -> str:
        """The id of what the model said in a turn: its answer, or the calls it asked for."""
        return f"{self.run_id}:{turn or 0}:assistant"

    def result_id(self, step: dict[str, Any]) -> str:
        """The id of a tool's result."""
        return f"{self.run_id}:{step['sequence']}:result"

    def is_ours(self, message_id: str) -> bool:
        """True for the id of a message of this run."""
        return message_id.startswith(f"{self.run_id}:")

    def text_of(self, message_id: str) -> str:
        """The text of a message; empty without one."""
        return str(self._messages.get(message_id, {}).get("content") or "")

    def messages(self) -> list[Message]:
        """All of them, in their order."""
        return list(self._messages.values())

    def add(self, step: dict[str, Any]) -> None:
        """Take in the next step. Steps that are no part of the conversation change nothing."""
        match step["kind"]:
            case "reasoning":
                self._put({"id": self.reasoning_id(step["turn"]), "role": "reasoning", "content": step["content"]})
            case "answer":
                answer_id = self.assistant_id(step["turn"])
                self._put({"id": answer_id, "role": "assistant", "content": step["content"]})
            case "tool_call":
                parent_id = self.assistant_id(step["turn"])
                parent = self._messages.setdefault(parent_id, {"id": parent_id, "role": "assistant", "toolCalls": []})
                parent.setdefault("toolCalls", []).append(call_of(step))
            case "tool_result":
                result = {"id": self.result_id(step), "role": "tool", "content": step["content"]}
                self._put(result | {"toolCallId": step["call_id"] or ""})

    def _put(self, message: Message) -> None:
        self._messages[message["id"]] = message


def call_of(step: dict[str, Any]) -> dict[str, Any]:
    """A `tool_call` step as a call of an assistant's message."""
    function = {"name": step["tool_name"] or "", "arguments": arguments_of(step)}
    return {"id": step["call_id"] or "", "type": "function", "function": function}


def arguments_of(step: dict[str, Any]) -> str:
    """The arguments of a call, as JSON."""
    return json.dumps(step["tool_input"] if step["tool_input"] is not None else {})
