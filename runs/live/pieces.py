"""The replies in the making of one run, as this process heard them: what to pass on, and what a newcomer is shown.

What `runs/engine/deltas.py` sends may be lost on the way, and may arrive after the step that ends it. Viewers get whole
cards and unbroken chunks only, and nothing of a card after its step.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from runs.live import frames

SILENT_FOR_S = 6.0
"""Three snaps that did not come: the host of a card is gone."""

Turn = tuple[int, int]
"""Epoch and turn."""


@dataclass(slots=True)
class OpenCard:
    """One reply in the making."""

    chunk: int
    """The last chunk it holds."""
    said: list[tuple[str, str]]
    """Pieces as kind and text."""
    heard_at: float


class OpenCards:
    """The open cards of one run."""

    def __init__(self) -> None:
        self._cards: dict[str, OpenCard] = {}
        self._ended: set[str] = set()
        """Cards of the turn that is under way whose attempt has failed."""
        self._ended_turn: Turn = (0, 0)
        """The last turn with a reply: no card of it, or of one before, can follow."""

    def hear(self, frame: dict[str, Any]) -> str | None:
        """Take in what the engine sent; the frame for those who have everything so far, None if there is nothing."""
        if "snap" in frame:
            name, number, text = frame["snap"]
            return self._hear_snap(name, number, text, frame.get("kinds"))
        chunks = frame["delta"]
        kinds = frame.get("kinds") or ["text"] * len(chunks)
        heard = [
            (chunk, kind)
            for chunk, kind in zip(chunks, kinds, strict=True)
            if self._hear_chunk(chunk[0], chunk[1], (kind, chunk[2]))
        ]
        return frames.delta_frame([chunk for chunk, _ in heard], [kind for _, kind in heard]) if heard else None

    def end(self, ends: Iterable[str]) -> None:
        """Steps came that end cards: of a card by its name, or of a whole turn as `epoch-turn`."""
        for name in ends:
            if name.count("-") == 1:
                epoch, turn = name.split("-")
                self._ended_turn = max(self._ended_turn, (int(epoch), int(turn)))
                self._ended.clear()
            else:
                self._ended.add(name)
        for card in [card for card in self._cards if self._is_over(card)]:
            del self._cards[card]

    def all(self) -> list[str]:
        """A snap of each open card."""
        return [_snap(name, card) for name, card in self._cards.items()]

    def silent(self) -> list[str]:
        """Snaps that take away the cards nothing was heard of any more."""
        late = time.monotonic() - SILENT_FOR_S
        return [self._remove(name) for name in [name for name, card in self._cards.items() if card.heard_at < late]]

    def _hear_chunk(self, name: str, number: int, piece: tuple[str, str]) -> bool:
        if self._is_over(name):
            return False
        card = self._cards.get(name)
        if card is None:
            if number != 1:
                return False  # Its beginning was missed; the next snap has it.
            card = self._cards[name] = OpenCard(0, [], 0.0)
        if number != card.chunk + 1:
            return False
        card.chunk, card.heard_at = number, time.monotonic()
        card.said.append(piece)
        return True

    def _hear_snap(self, name: str, number: int, text: str | None, kinds: list[tuple[str, int]] | None) -> str | None:
        if text is None:
            return self._remove(name) if name in self._cards else None
        if self._is_over(name):
            return None
        self._cards[name] = card = OpenCard(number, _split(text, kinds), time.monotonic())
        return _snap(name, card)

    def _remove(self, name: str) -> str:
        return frames.snap_frame(name, self._cards.pop(name).chunk + 1, None)

    def _is_over(self, name: str) -> bool:
        return name in self._ended or turn_of(name) <= self._ended_turn


def turn_of(card: str) -> Turn:
    """Epoch and turn of a card (`epoch-turn-attempt-lane`)."""
    epoch, turn, _rest = card.split("-", 2)
    return int(epoch), int(turn)


def _snap(name: str, card: OpenCard) -> str:
    return frames.snap_frame(name, card.chunk, card.said)


def _split(text: str, kinds: list[tuple[str, int]] | None) -> list[tuple[str, str]]:
    if not kinds:
        return [("text", text)]
    edges = pairwise(accumulate((length for _kind, length in kinds), initial=0))
    return [(kind, text[start:end]) for (kind, _length), (start, end) in zip(kinds, edges, strict=True)]
