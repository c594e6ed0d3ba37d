"""The replies in the making of one run, kept so that the text of an interrupted reply is not lost.

They are in memory only: a killed process loses them.
"""

import time
from collections.abc import Iterable, Sequence
from io import StringIO

from runs.agent.errors.codes import is_limit
from runs.agent.messages import Delta
from runs.agent.payloads.kinds import ended_cards
from runs.agent.payloads.notes import Why
from runs.agent.payloads.step_fields import StepFields
from runs.agent.payloads.steps import RetryPayload
from runs.agent.redaction.redactor import Redactor
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished_thought import INTERRUPTIONS, unfinished_thought

MOST_CHARS = 1024 * 1024
"""Characters kept of all open replies of a run together. Beyond it only the length is counted."""
GOES_ON_FROM = range(200, 32_001)
"""Characters of an unfinished reply that is worth continuing: a shorter one is repeated at no cost and without a seam,
a longer one would take too much of the model's context window, where it could not be shortened."""


class OpenReply:
    """One reply in the making."""

    def __init__(self, card: str) -> None:
        self.card = card
        self.began_at = time.time()
        self.text = StringIO()
        self.reasoning = StringIO()
        self.kept_chars = 0
        self.missing_chars = 0
        self.has_calls = False
        """True once a tool call has begun in it."""

    @property
    def turn(self) -> int:
        """The turn it is for."""
        return int(self.card.split("-", 1)[0])

    @property
    def has_words(self) -> bool:
        """True if it has visible text."""
        return bool(self.text.getvalue().strip() or self.reasoning.getvalue().strip())


class OpenReplies:
    """The open replies of one run under one claim, by card (`turn-attempt-lane`). Belongs to its recorder's loop."""

    __slots__ = ("_gone_on_from", "_kept_chars", "_may_go_on", "_open", "_redactor", "models")

    def __init__(self, redactor: Redactor, *, may_go_on: bool = True) -> None:
        """`may_go_on`: another reply can continue an interrupted text. Structured output cannot be continued."""
        self.models: Sequence[tuple[str, str]] = ()
        """Provider and model of each lane, in order."""
        self._redactor = redactor
        self._may_go_on = may_go_on
        self._open: dict[str, OpenReply] = {}
        self._kept_chars = 0
        self._gone_on_from = 0
        """The last turn with a reply to continue: at most one for each turn."""

    def hear(self, card: str, delta: Delta) -> None:
        """Add a chunk of a reply."""
        reply = self._open.get(card)
        if reply is None:
            reply = self._open[card] = OpenReply(card)
        if delta.kind == "call":
            reply.has_calls = True
        if delta.kind not in ("text", "reasoning") or not delta.text:
            return
        room = MOST_CHARS - self._kept_chars
        kept = delta.text if len(delta.text) <= room else delta.text[:room]
        (reply.text if delta.kind == "text" else reply.reasoning).write(kept)
        reply.kept_chars += len(kept)
        self._kept_chars += len(kept)
        reply.missing_chars += len(delta.text) - len(kept)

    @property
    def have_words(self) -> bool:
        """True if a stop at this moment leaves an unfinished reply."""
        return any(reply.has_words for reply in self._open.values())

    def ended_by(self, thoughts: Iterable[AgentThought]) -> list[AgentThought]:
        """The unfinished replies that these thoughts end as failed attempts. Replies that end otherwise are recorded by
        their own thoughts, or lost a race: their text is dropped."""
        unfinished: list[AgentThought] = []
        if not self._open:
            return unfinished
        for thought in thoughts:
            cards = ended_cards(thought.payload)
            if not cards:
                continue
            if isinstance(thought.payload, RetryPayload):
                failed = self._taken(cards)
                unfinished += self._unfinished(failed, _why_failed(thought.payload), thought)
            elif thought.type is ThoughtType.RACE:
                self._taken(cards)
            else:
                turn = cards[0].split("-", 1)[0] + "-"
                self._taken([each for each in self._open if each.startswith(turn)])
        return unfinished

    def leave(self, why: Why) -> list[AgentThought]:
        """The unfinished replies of all open cards, which will not end any more."""
        return self._unfinished(self._taken(list(self._open)), why)

    def texts(self) -> list[str]:
        """The texts that the thoughts of `leave` will have."""
        return [self._thought(reply, "stopped").content for reply in self._open.values() if reply.has_words]

    def _taken(self, cards: Sequence[str]) -> list[OpenReply]:
        taken = [self._open.pop(card) for card in cards if card in self._open]
        self._kept_chars -= sum(reply.kept_chars for reply in taken)
        return taken

    def _unfinished(self, replies: list[OpenReply], why: Why, retry: AgentThought | None = None) -> list[AgentThought]:
        """Thoughts for the replies with text. `retry`: the failed attempt they belong to."""
        thoughts = {reply.card: self._thought(reply, why, retry) for reply in replies if reply.has_words}
        # The longest reply is continued, so it is checked first; the thoughts keep the order of the replies.
        for reply in sorted(replies, key=lambda each: each.text.tell(), reverse=True):
            if reply.card in thoughts and why in INTERRUPTIONS and self._is_worth_it(reply):
                thoughts[reply.card] = self._thought(reply, why, retry, goes_on=True)
                self._gone_on_from = reply.turn
        return list(thoughts.values())

    def _is_worth_it(self, reply: OpenReply) -> bool:
        if not self._may_go_on or reply.has_calls or reply.missing_chars or reply.turn <= self._gone_on_from:
            return False
        return len(self._redactor.cut_off(reply.text.getvalue()).strip()) in GOES_ON_FROM

    def _thought(
        self, reply: OpenReply, why: Why, retry: AgentThought | None = None, *, goes_on: bool = False
    ) -> AgentThought:
        return unfinished_thought(
            self._redactor.cut_off(reply.text.getvalue()),
            self._redactor.cut_off(reply.reasoning.getvalue()),
            why=why,
            goes_on=goes_on,
            missing_chars=reply.missing_chars,
            in_race=retry is not None and isinstance(retry.payload, RetryPayload) and retry.payload.in_race,
            card=reply.card,
            fields=self._fields(reply) if retry is None else self._fields(reply) | _known_better(retry),
        )

    def _fields(self, reply: OpenReply) -> StepFields:
        turn, attempt, lane = map(int, reply.card.split("-"))
        provider, model = self.models[lane - 1] if lane <= len(self.models) else (None, None)
        return StepFields(
            turn=turn,
            attempt=attempt,
            provider=provider,
            model=model,
            lane=lane if len(self.models) > 1 else None,
            started_at=reply.began_at,
        )


def _why_failed(retry: RetryPayload) -> Why:
    return "limit" if is_limit(retry.code) else "attempt_failed"


def _known_better(retry: AgentThought) -> StepFields:
    """The fields that the failed attempt's step knows better: attempt number, provider and model."""
    return StepFields(attempt=retry.fields.attempt, provider=retry.fields.provider, model=retry.fields.model)
