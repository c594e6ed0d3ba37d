"""Mapping of the transport's response to a `ModelReply`: its ending, text, thoughts and calls."""

from collections import Counter

import pydantic
from pydantic_ai import messages as wire

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import FailureKind, FailurePhase, ModelFailure
from runs.agent.errors.sentences import ErrorSentence
from runs.agent.messages import Ending, ModelReply
from runs.agent.providers.call_arguments import tool_request
from runs.agent.providers.event_streams.exchange import ReplyFacts
from runs.agent.providers.finish_reasons import Meaning, meaning_of
from runs.agent.providers.thinking_tags import split_thoughts
from runs.agent.providers.wire_format import WireFormat
from runs.agent.usage import Usage

REPLAY_FORMAT = "pydantic-ai/2"
"""Marks the format of a replay value. A value of another format or server is not replayed but rebuilt."""

_NOT_REPLAYED = {"usage", "timestamp", "metadata", "run_id", "conversation_id"}
"""Members of the response that no provider needs back."""

RESPONSES: pydantic.TypeAdapter[wire.ModelResponse] = pydantic.TypeAdapter(wire.ModelResponse)


class ReplyReader:
    """Reads one complete response, together with the facts from its stream."""

    def __init__(self, wire_format: WireFormat, facts: ReplyFacts, *, longest: int | None = None) -> None:
        """`longest` is the requested limit of the reply, in tokens."""
        self.wire_format = wire_format
        self.facts = facts
        self.longest = longest

    def read(self, response: wire.ModelResponse) -> ModelReply:
        """The reply. Raises `ModelFailure` for a blocked, failed, interrupted or empty one."""
        meaning = meaning_of(self.facts.finish_reason)
        # Without a finish reason and the format's end a call may be incomplete.
        is_whole = meaning == "whole" and self.facts.is_ended
        reply = self._reply(response, was_cut=not is_whole)
        self._refuse(meaning, has_calls=bool(reply.calls))
        if not reply.calls and not reply.text.strip():
            raise self.empty()
        return reply

    def empty(self) -> ModelFailure:
        """The failure of an empty or blocked reply."""
        meaning = meaning_of(self.facts.finish_reason)
        try:
            self._refuse(meaning, has_calls=False)
        except ModelFailure as failure:
            return failure
        if meaning == "cut":
            return self._failure(self._with_reason(sentences.CUT_OFF, sentences.CUT_OFF_BY))
        return self._failure(self._with_reason(sentences.EMPTY_REPLY, sentences.EMPTY_REPLY_BY))

    def _refuse(self, meaning: Meaning, *, has_calls: bool) -> None:
        facts = self.facts
        if meaning == "blocked" and not has_calls:
            is_refusal = facts.finish_reason.lower() == "refusal"
            refused = (sentences.REFUSED, sentences.REFUSED_BY)
            filtered = (sentences.FILTERED, sentences.FILTERED_BY)
            raise self._failure(self._with_reason(*(refused if is_refusal else filtered)), "blocked")
        if meaning == "malformed":
            raise self._failure(self._with_reason(sentences.NOT_PARSED, sentences.NOT_PARSED_BY))
        if meaning == "failed":
            words = self._with_reason(sentences.NOT_FINISHED, sentences.NOT_FINISHED_BY)
            raise self._failure(words, "server", "stream")
        has_ended = facts.is_ended or (facts.usage != Usage() and not self.wire_format.always_says_why_it_ended)
        if not has_ended and facts.has_begun:
            raise self._failure(sentences.BROKEN_OFF.made(), "network", "stream")

    def _with_reason(self, plain: ErrorSentence, by: ErrorSentence) -> str:
        """The sentence `by` with the finish reason and explanation; `plain` if the provider gave none."""
        told = [each for each in (self.facts.finish_reason, self.facts.explanation) if each]
        return by.made(message=": ".join(told)) if told else plain.made()

    def _failure(self, words: str, kind: FailureKind = "bad_reply", phase: FailurePhase = "reply") -> ModelFailure:
        return bad_reply(self.wire_format, words, kind=kind, phase=phase, usage=self.facts.usage)

    def _reply(self, response: wire.ModelResponse, *, was_cut: bool) -> ModelReply:
        """The reply. Calls count by their presence, not by the finish reason: servers send "stop" with calls."""
        _tell_calls_apart(response)
        if self.facts.details:
            response.provider_details = {**(response.provider_details or {}), **self.facts.details}
        text = response.text or ""
        thoughts, text = split_thoughts(text) if self.wire_format.leaves_thoughts_in_text else ("", text)
        parts = response.tool_calls
        # Only the last call can be incomplete. Read before the dump: repaired arguments are replayed as repaired.
        calls = tuple(tool_request(part, was_cut=was_cut and part is parts[-1]) for part in parts)
        dumped = RESPONSES.dump_python(response, mode="json", exclude_none=True)
        kept = {name: value for name, value in dumped.items() if name not in _NOT_REPLAYED}
        ending, reason = self._ending()
        return ModelReply(
            text=text,
            reasoning="\n\n".join(each for each in (response.thinking or "", thoughts) if each),
            calls=calls,
            usage=self.facts.usage,
            replay={"format": REPLAY_FORMAT, "server": self.wire_format.name, "response": kept},
            ending=ending,
            ending_reason=reason,
            dropped=len(self.facts.dropped),
        )

    def _ending(self) -> tuple[Ending, str]:
        match meaning_of(self.facts.finish_reason):
            case "cut" | "paused" as ending:
                return ending, self.facts.finish_reason
            case "unknown" | "blocked":
                return "whole", self.facts.finish_reason
            case _ if self.longest is not None and (self.facts.usage.output_tokens or 0) >= self.longest:
                # llama.cpp's Responses API reports "completed" in this case.
                return "cut", f"{self.longest} tokens"
            case _:
                return "whole", ""


def bad_reply(
    wire_format: WireFormat,
    words: str,
    *,
    kind: FailureKind = "bad_reply",
    phase: FailurePhase = "reply",
    usage: Usage | None = None,
) -> ModelFailure:
    """The failure of a reply that cannot be used."""
    return ModelFailure(
        sentences.FROM_SERVER.made(server=wire_format.name, message=words),
        kind=kind,
        provider=wire_format.name,
        model=wire_format.model,
        phase=phase,
        usage=usage,
    )


def _tell_calls_apart(response: wire.ModelResponse) -> None:
    """Make the ids of the calls unique, so that their results can be assigned."""
    seen: Counter[str] = Counter()
    for call in response.tool_calls:
        seen[call.tool_call_id] += 1
        if (number := seen[call.tool_call_id]) > 1:
            call.tool_call_id = f"{call.tool_call_id}_{number}"
