"""The replies in the making of one run, as far as a client's stream has heard of them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from runs.live.pieces import turn_of

Role = Literal["reasoning", "assistant"]
"""What a message of a reply is: what the model thought, or what it said."""

ROLES: tuple[Role, ...] = ("reasoning", "assistant")
"""In the order in which a reply has them."""


@dataclass(slots=True)
class Draft:
    """One reply in the making: one attempt of one lane at one turn."""

    card: str
    words: dict[Role, str] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The claim under which it is asked for."""
        return turn_of(self.card)[0]

    @property
    def turn(self) -> int:
        """The turn it would be the reply of."""
        return turn_of(self.card)[1]


class Drafts:
    """All replies in the making. Pieces of a reply that has ended are not taken in, however late they come."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        self._ended: set[str] = set()
        """Cards of turns after `_closed` that came to nothing."""
        self._closed = 0
        """The last turn whose reply is recorded."""

    def hear(self, frame: dict[str, Any]) -> None:
        """Take in a frame of pieces, as `runs.live.follow` hands it on."""
        if "snap" in frame:
            card, _number, text = frame["snap"]
            if text is None:
                # What became of it is said by a step, which may only be on its way.
                self._drafts.pop(card, None)
            elif self._is_open(card):
                self._drafts[card] = Draft(card, _split(text, frame.get("kinds")))
            return
        kinds = frame.get("kinds") or ["text"] * len(frame["delta"])
        for (card, _number, text), kind in zip(frame["delta"], kinds, strict=True):
            if self._is_open(card):
                words = self._drafts.setdefault(card, Draft(card)).words
                words[_role(kind)] = words.get(_role(kind), "") + text

    def end(self, cards: set[str]) -> None:
        """These came to nothing."""
        self._ended |= {card for card in cards if turn_of(card)[1] > self._closed}
        for card in cards:
            self._drafts.pop(card, None)

    def cards_of(self, turn: int | None) -> set[str]:
        """The cards of a turn; of all turns without one."""
        return {card for card, draft in self._drafts.items() if turn is None or draft.turn == turn}

    def close(self, turn: int) -> None:
        """The reply of this turn is recorded: nothing of it, or of a turn before, is in the making."""
        self._closed = max(self._closed, turn)
        self._drafts = {card: draft for card, draft in self._drafts.items() if self._is_open(card)}
        self._ended = {card for card in self._ended if turn_of(card)[1] > self._closed}

    def of(self, turn: int, *, told: str | None) -> Draft | None:
        """The draft of a turn that is to be told; None if there is none.

        Of several at once it is the first. `told` is the card that is being told: no other takes its place before a
        step has ended it, unless a later claim has begun the turn anew, for then no step will.
        """
        there = [draft for draft in self._drafts.values() if draft.turn == turn]
        epoch = max((draft.epoch for draft in there), default=0)
        if told is not None and turn_of(told)[1] == turn and epoch <= turn_of(told)[0]:
            return self._drafts.get(told)
        return next((draft for draft in there if draft.epoch == epoch), None)

    def _is_open(self, card: str) -> bool:
        return card not in self._ended and turn_of(card)[1] > self._closed


def _role(kind: str) -> Role:
    return "reasoning" if kind == "reasoning" else "assistant"


def _split(text: str, kinds: list[list[Any]] | None) -> dict[Role, str]:
    """What a snap says, by what it is."""
    words: dict[Role, str] = {}
    place = 0
    for kind, length in kinds or [["text", len(text)]]:
        words[_role(kind)] = words.get(_role(kind), "") + text[place : place + length]
        place += length
    return words
