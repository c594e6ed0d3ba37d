"""Streams of Google's generateContent."""

from collections.abc import Iterable
from typing import Any

from runs.agent.providers.event_streams.exchange import Frame, ReplyFacts, raise_unless_error
from runs.agent.providers.event_streams.usage_counts import count, known_usage, merged


class ContentStream:
    """Responses pass as they are; what the last of them says of the end is noted."""

    def __init__(self) -> None:
        self.facts = ReplyFacts()
        self._usage: dict[str, Any] = {}

    def event(self, name: str | None, data: Any) -> Iterable[Frame]:  # noqa: ARG002 - the format names no events
        """The response."""
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
            # The SDK knows the words of its own day only; what the reason means is not its business.
            first["finishReason"] = "STOP"
        return [(None, data)]

    def whole(self, body: Any) -> Iterable[Frame]:
        """A response in one piece, or a list of them: a server that does not stream events."""
        return self.event(None, body)

    def end(self) -> Iterable[Frame]:
        """The format just stops."""
        return ()

    def _is_response(self, data: dict[str, Any]) -> bool:
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
