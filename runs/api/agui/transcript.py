"""A run as the messages of a conversation, made from its recorded steps only, so always the same."""

import json
from dataclasses import dataclass

from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.kinds import Payload, read_payload
from runs.agent.payloads.notes import BadOutputPayload, SoFarPayload, UnfinishedPayload
from runs.agent.payloads.steps import ToolCallPayload
from runs.api.agui.reply_drafts import Role
from runs.models.as_json import StepJson

WireMessage = JsonObject

KEPT_CHARS = 128 * 1024
"""Maximum text that a transcript keeps. A longer one is read from the database when needed."""

KEPT_CALLS = 1000
"""Maximum calls kept until their result comes; results come in the turn of their call."""


@dataclass(frozen=True, slots=True)
class RecordedMessages:
    """Placeholder for the messages of a run's steps up to `up_to`, which are too many to keep."""

    run_id: str
    up_to: int


UNFINISHED = {"agentsite": {"unfinished": True}}
"""The `metadata` of a message whose reply was never finished."""


class Transcript:
    """The messages of one run, as far as its steps were added."""

    def __init__(self, run_id: str, kept_chars: float = KEPT_CHARS) -> None:
        """`kept_chars`: beyond it no messages are kept, only the state needed to add further steps."""
        self.run_id = run_id
        self.has_reasoning = False
        self._kept_chars = kept_chars
        self._chars = 0
        self._sequence = 0
        self._messages: dict[str, WireMessage] = {}
        self._turns: dict[str, int] = {}
        """Turns of the kept messages."""
        self._calls: dict[str, None] = {}
        self._unfinished: dict[str, int] = {}
        """Messages of unfinished replies, with their turns."""
        self._begun: set[str] = set()
        """The unfinished messages that the next reply continues."""

    def id_of(self, role: Role, turn: int) -> str:
        """The id of a turn's reasoning, or of its assistant message: the answer, or the calls."""
        return f"{self.run_id}:{turn}:{role}"

    def result_id(self, step: StepJson) -> str:
        """The id of a tool's result."""
        return f"{self.run_id}:{step['sequence']}:result"

    def is_ours(self, message_id: str) -> bool:
        """True for the id of a message of this run."""
        return message_id.startswith(f"{self.run_id}:")

    def has_call(self, step: StepJson) -> bool:
        """True if the call of a step was added."""
        return (step["call_id"] or "") in self._calls

    def messages(self) -> "list[WireMessage | RecordedMessages]":
        """All messages in order, or a placeholder."""
        if self._is_too_long:
            return [RecordedMessages(self.run_id, self._sequence)]
        return list(self._messages.values())

    def take_final(self, *, before_turn: float) -> list[WireMessage]:
        """Remove and return the leading messages that no step of `before_turn` or a later turn can change."""
        taken: list[WireMessage] = []
        for message_id in list(self._messages):
            if message_id in self._unfinished or self._turns[message_id] >= before_turn:
                break
            del self._turns[message_id]
            taken.append(self._messages.pop(message_id))
        return taken

    @property
    def _is_too_long(self) -> bool:
        return self._chars > self._kept_chars

    def add(self, step: StepJson) -> None:
        """Add the next step. Steps outside the conversation change nothing."""
        turn = step["turn"] or 0
        self._sequence = step["sequence"]
        match step["kind"]:
            case "reasoning" | "answer" as kind:
                self.drop_unfinished(turn)
                role: Role = "reasoning" if kind == "reasoning" else "assistant"
                self._put({"id": self.id_of(role, turn), "role": role, "content": step["content"]}, turn)
            case "tool_call" if not self.has_call(step) and not is_nested(step):
                self.drop_unfinished(turn)
                self._calls[step["call_id"] or ""] = None
                if len(self._calls) > KEPT_CALLS:
                    del self._calls[next(iter(self._calls))]
                parent_id = self.id_of("assistant", turn)
                calls = [*self._messages.get(parent_id, {}).get("toolCalls", ()), call_of(step)]
                self._put({"id": parent_id, "role": "assistant", "toolCalls": calls}, turn)
            case "tool_result" if self.has_call(step):
                result = {"id": self.result_id(step), "role": "tool", "content": step["content"]}
                self._put(result | {"toolCallId": step["call_id"] or ""}, turn)
            case _ if is_so_far(step):
                self.drop_unfinished(turn)
                self._put({"id": self.id_of("assistant", turn), "role": "assistant", "content": step["content"]}, turn)
            case _ if isinstance(payload := payload_of(step), UnfinishedPayload):
                self._add_unfinished(step, payload)
            case _ if isinstance(payload, BadOutputPayload):
                self.drop_unfinished(turn)

    def drop_unfinished(self, turn: int) -> bool:
        """Remove unfinished messages up to this turn, whose reply is recorded. True if there were any."""
        gone = [message_id for message_id, of in self._unfinished.items() if of <= turn]
        self._drop(gone)
        return bool(gone)

    def _add_unfinished(self, step: StepJson, told: UnfinishedPayload) -> None:
        turn = step["turn"] or 0
        # A further attempt replaces an unfinished one; a continued part stays beside the next part.
        self._drop([each for each, of in self._unfinished.items() if of == turn and each not in self._begun])
        if told.answer.strip():
            message_id = f"{self.run_id}:{step['sequence']}:unfinished"
            self._unfinished[message_id] = turn
            if told.goes_on:
                self._begun.add(message_id)
            self._put({"id": message_id, "role": "assistant", "content": told.answer, "metadata": UNFINISHED}, turn)

    def _drop(self, message_ids: list[str]) -> None:
        for message_id in message_ids:
            del self._unfinished[message_id]
            self._messages.pop(message_id, None)
            self._turns.pop(message_id, None)
            self._begun.discard(message_id)

    def _put(self, message: WireMessage, turn: int) -> None:
        self.has_reasoning |= message["role"] == "reasoning"
        self._chars += _chars_of(message)
        if self._is_too_long:
            self._messages.clear()
            self._turns.clear()
            return
        # A new dictionary each time: earlier snapshots must not change.
        self._messages[message["id"]] = self._messages.get(message["id"], {}) | message
        self._turns[message["id"]] = turn


def _chars_of(message: WireMessage) -> int:
    """Approximate size of the message; 100 for its field names."""
    calls = message.get("toolCalls") or ()
    return 100 + len(message.get("content") or "") + (len(calls[-1]["function"]["arguments"]) if calls else 0)


def payload_of(step: StepJson) -> Payload:
    """The payload of a step in JSON form."""
    return read_payload(step["kind"], step["metadata"])


def is_nested(step: StepJson) -> bool:
    """True for a call that another call makes: the model has not asked for it, so it is no part of the conversation."""
    payload = payload_of(step)
    return isinstance(payload, ToolCallPayload) and bool(payload.parent_id)


def is_unfinished(step: StepJson) -> bool:
    """True for a note with the text of a reply that was stopped or failed."""
    return isinstance(payload_of(step), UnfinishedPayload)


def is_so_far(step: StepJson) -> bool:
    """True for an answer after which the run went on."""
    return isinstance(payload_of(step), SoFarPayload)


def is_gone_on_from(step: StepJson) -> bool:
    """True for an unfinished note that counts as its turn's reply: the next turn continues it."""
    payload = payload_of(step)
    return isinstance(payload, UnfinishedPayload) and payload.goes_on


def call_of(step: StepJson) -> JsonObject:
    """A `tool_call` step as a tool call of an assistant message."""
    function = {"name": step["tool_name"] or "", "arguments": arguments_of(step)}
    return {"id": step["call_id"] or "", "type": "function", "function": function}


def arguments_of(step: StepJson) -> str:
    """The arguments of a call, as JSON."""
    return json.dumps(step["tool_input"] if step["tool_input"] is not None else {})
