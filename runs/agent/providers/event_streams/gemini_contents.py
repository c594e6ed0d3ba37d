"""Streams of Google's generateContent."""

from collections.abc import Iterable
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.event_streams.exchange import EventFrame, ReplyFacts, raise_unless_error
from runs.agent.providers.event_streams.usage_counts import count, known_usage, merged


class ContentStream:
    """A normaliser of the stream: responses pass, except that the finish reason is noted and replaced by STOP."""

    def __init__(self) -> None:
        self.facts = ReplyFacts()
        self._usage: JsonObject = {}

    def event(self, name: str | None, data: Any) -> Iterable[EventFrame]:  # noqa: ARG002 - the format names no events
        """The frame of a response, or the frames of a list of them."""
        if isinstance(data, list):
            return [frame for each in data for frame in self.event(None, each)]
        if not isinstance(data, dict) or data.get("error") or not self._is_response(data):
            raise_unless_error(data)
        self._note_usage(data.get("usageMetadata"))
        feedback = data.get("promptFeedback")
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            self._ends(str(feedback["blockReason"]), feedback.get("blockReasonMessage"))
        candidates = data.get("candidates")
        first = candidates[0] if isinstance(candidates, list) and candidates else None
        self.facts.has_begun = self.facts.has_begun or (isinstance(first, dict) and bool(first.get("content")))
        if isinstance(first, dict) and first.get("finishReason"):
            self._ends(str(first["finishReason"]), first.get("finishMessage"))
            # The SDK knows only the reasons of its own release; we interpret the noted one.
            first["finishReason"] = "STOP"
        return [(None, data)]

    def whole(self, body: Any) -> Iterable[EventFrame]:
        """The frames of one response or of a list of them, from a server that does not stream events."""
        return self.event(None, body)

    def end(self) -> Iterable[EventFrame]:
        """No frames: the format has no end event."""
        return ()

    def _is_response(self, data: JsonObject) -> bool:
        return any(name in data for name in ("candidates", "usageMetadata", "promptFeedback", "responseId"))

    def _ends(self, reason: str, explanation: Any) -> None:
        self.facts.finish_reason = reason
        self.facts.explanation = str(explanation or "")
        self.facts.is_ended = True

    def _note_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        told = self._usage = merged(self._usage, usage)
        thoughts, written = count(told, "thoughtsTokenCount"), count(told, "candidatesTokenCount")
        read, by_tools = count(told, "promptTokenCount"), count(told, "toolUsePromptTokenCount")
        self.facts.usage = known_usage(
            input_tokens=None if read is None else read + (by_tools or 0),
            output_tokens=None if written is None and thoughts is None else (written or 0) + (thoughts or 0),
            cache_read_tokens=count(told, "cachedContentTokenCount"),
            reasoning_tokens=thoughts,
        )
