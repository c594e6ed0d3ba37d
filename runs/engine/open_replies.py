"""The replies in the making of a run, as far as they were heard, so that the words of one that comes to nothing stay.

They are in memory only: a process that is killed takes them along.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from runs.agent.messages import Delta
from runs.agent.redaction import Redactor
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished import INTERRUPTIONS, Why, unfinished_thought

MOST_CHARS = 1024 * 1024
"""Characters kept of all open replies of a run together. Of what is said beyond it only the length is known."""
GOES_ON_FROM = range(200, 32_001)
"""Characters of an unfinished reply that is worth going on from: less is said again at no cost and without a seam, and
more would take too much of the model's window, where nothing could shorten it."""


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
        """A tool call has begun in it."""

    @property
    def turn(self) -> int:
        """The turn it is for."""
        return int(self.card.split("-", 1)[0])

    @property
    def has_words(self) -> bool:
        """True if anything of it can be read."""
        return bool(self.text.getvalue().strip() or self.reasoning.getvalue().strip())


class OpenReplies:
    """The open replies of one run under one claim, by card (`turn-attempt-lane`). Belongs to its recorder's loop."""

    __slots__ = ("_gone_on_from", "_kept_chars", "_may_go_on", "_open", "_redactor", "models")

    def __init__(self, redactor: Redactor, *, may_go_on: bool = True) -> None:
        """`may_go_on`: a text that was cut off can be finished by another reply. Data cannot."""
        self.models: Sequence[tuple[str, str]] = ()
        """Provider and model of each lane, in order."""
        self._redactor = redactor
        self._may_go_on = may_go_on
        self._open: dict[str, OpenReply] = {}
        self._kept_chars = 0
        self._gone_on_from = 0
        """The last turn with a reply that is gone on from: never two of one turn."""

    def hear(self, card: str, delta: Delta) -> None:
        """Take in a piece of a reply."""
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
        """True if a stop in this moment leaves an unfinished reply."""
        return any(reply.has_words for reply in self._open.values())

    def ended_by(self, thoughts: Iterable[AgentThought]) -> list[AgentThought]:
        """What was said of the replies that these thoughts end as failed attempts. All the others that they end are
        told by themselves, or have lost a race: nothing is kept of those."""
        unfinished = []
        for thought in thoughts:
            if (card := thought.metadata.get("card")) is None:
                continue
            if thought.type is ThoughtType.RETRY:
                unfinished += self._unfinished(self._taken([card]), _why_failed(thought), _about(thought))
            elif thought.type is ThoughtType.RACE:
                self._taken(thought.metadata.get("cards") or [card])
            else:
                turn = card.split("-", 1)[0] + "-"
                self._taken([each for each in self._open if each.startswith(turn)])
        return unfinished

    def leave(self, why: Why) -> list[AgentThought]:
        """What was said of all replies that are open, of which none will end any more."""
        return self._unfinished(self._taken(list(self._open)), why, {})

    def texts(self) -> list[str]:
        """What the thoughts of `leave` will say."""
        return [thought.content for thought in self._thoughts(self._open.values(), "stopped", {})]

    def _taken(self, cards: Sequence[str]) -> list[OpenReply]:
        taken = [self._open.pop(card) for card in cards if card in self._open]
        self._kept_chars -= sum(reply.kept_chars for reply in taken)
        return taken

    def _unfinished(self, replies: list[OpenReply], why: Why, about: dict[str, Any]) -> list[AgentThought]:
        # Of several the longest is gone on from, so it is asked first; they are told in their order.
        told = {thought.metadata["card"]: thought for thought in self._thoughts(replies, why, about)}
        for reply in sorted(replies, key=lambda each: each.text.tell(), reverse=True):
            if reply.card in told and why in INTERRUPTIONS and self._is_worth_it(reply, told[reply.card]):
                told[reply.card].metadata["goes_on"] = True
                self._gone_on_from = reply.turn
        return list(told.values())

    def _is_worth_it(self, reply: OpenReply, thought: AgentThought) -> bool:
        if not self._may_go_on or reply.has_calls or reply.missing_chars or reply.turn <= self._gone_on_from:
            return False
        return len(thought.metadata["answer"].strip()) in GOES_ON_FROM

    def _thoughts(self, replies: Iterable[OpenReply], why: Why, about: dict[str, Any]) -> Iterator[AgentThought]:
        for reply in replies:
            if not reply.has_words:
                continue
            turn, attempt, lane = map(int, reply.card.split("-"))
            provider, model = self.models[lane - 1] if lane <= len(self.models) else (None, None)
            whose = {"turn": turn, "attempt": attempt, "provider": provider, "model": model, "card": reply.card}
            if len(self.models) > 1:
                whose["lane"] = lane
            yield unfinished_thought(
                self._redactor.cut_off(reply.text.getvalue()),
                self._redactor.cut_off(reply.reasoning.getvalue()),
                why=why,
                goes_on=False,
                missing_chars=reply.missing_chars,
                started_at=reply.began_at,
                **(whose | about),
            )


def _why_failed(retry: AgentThought) -> Why:
    return "limit" if str(retry.metadata.get("code") or "").startswith("limit_") else "attempt_failed"


def _about(retry: AgentThought) -> dict[str, Any]:
    """What the step of a failed attempt knows better: which one it was, in its own count, and of what."""
    told = {name: retry.metadata.get(name) for name in ("attempt", "provider", "model", "in_race")}
    return {name: value for name, value in told.items() if value is not None}
