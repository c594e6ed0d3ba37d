"""What happens to a run, told as AG-UI events: words as they are written, and the recorded step as the last word.

A reply that is being written can still come to nothing: its attempt fails, another provider wins, it turns out to be
the thought before a call. AG-UI cannot take words back, but a snapshot of all messages can, so one is sent then.
"""

from typing import Any, Literal

from runs.api.agui import events
from runs.api.agui.events import Event
from runs.api.agui.transcript import Message, Transcript
from runs.live.pieces import turn_of

Said = Literal["reasoning", "assistant"]
_DECIDES = ("answer", "tool_call")
"""Kinds of steps after which no reply of the turn can follow."""


class Telling:
    """One run, told to one client."""

    def __init__(self, transcript: Transcript, before: list[Message]) -> None:
        """`before` are the client's messages that are none of this run."""
        self._transcript = transcript
        self._before = before
        self._said: dict[str, str] = {}
        """By message id: what the client was told of it."""
        self._open: dict[str, Said] = {}
        """Messages that are begun and not ended, and what they are."""
        self._turn: int | None = None
        self._decided = 0
        """The last turn whose reply is recorded."""
        self._card: str | None = None
        """The reply in the making that is told; of several at once only the first."""
        self._cards: dict[str, dict[Said, str]] = {}
        """All replies in the making, as far as they are written."""
        self._over: set[str] = set()
        """Replies in the making that came to nothing."""

    def snapshot(self) -> Event:
        """All messages, those of the client first."""
        ours = self._transcript.messages()
        there = {message["id"] for message in ours}
        # A client keeps the reasoning a snapshot says nothing of, so what came to nothing is emptied.
        blank = [
            {"id": each, "role": "reasoning", "content": ""}
            for each in self._said
            if each not in there and each.endswith(":reasoning")
        ]
        return events.messages_snapshot([*self._before, *ours, *blank])

    def take_in(self, steps: list[dict[str, Any]]) -> None:
        """Steps the client will see in a snapshot."""
        for step in steps:
            self._transcript.add(step)
            if step["kind"] in _DECIDES:
                self._decided = max(self._decided, step["turn"] or 0)

    def steps(self, steps: list[dict[str, Any]]) -> list[Event]:
        """Steps that were recorded just now."""
        told = [event for step in steps for event in self._step(step)]
        self._cards = {card: words for card, words in self._cards.items() if turn_of(card)[1] > self._decided}
        return [*told, *self._words()]

    def pieces(self, frame: dict[str, Any]) -> list[Event]:
        """Words of a reply in the making."""
        if "snap" in frame:
            card, _number, text = frame["snap"]
            if text is not None:
                self._cards[card] = _split(text, frame.get("kinds"))
            # Without a text it is gone, and its step, which may only be on its way, says what became of it.
        else:
            kinds = frame.get("kinds") or ["text"] * len(frame["delta"])
            for (card, _number, text), kind in zip(frame["delta"], kinds, strict=True):
                words = self._cards.setdefault(card, {})
                words[_said_as(kind)] = words.get(_said_as(kind), "") + text
        return self._words()

    def end(self) -> list[Event]:
        """End whatever is begun."""
        told = self._end_all()
        if self._turn is not None:
            told.append(events.step_finished(f"turn {self._turn}"))
            self._turn = None
        return told

    # --- steps ---

    def _step(self, step: dict[str, Any]) -> list[Event]:
        turn = step["turn"]
        told = self._turn_of(turn)
        match step["kind"]:
            case "reasoning":
                thought_id, answer_id = self._transcript.reasoning_id(turn), self._transcript.assistant_id(turn)
                if thought_id not in self._said:
                    # Its provider does not stream thoughts: they belong before the words that were told already.
                    told += self._take_back([answer_id])
                told += self._settle("reasoning", thought_id, step)
            case "answer":
                told += self._settle("assistant", self._transcript.assistant_id(turn), step)
                told += self._decide(turn)
            case "tool_call":
                # First, because a call that stands in a snapshot must not be told again.
                told += self._decide(turn)
                self._transcript.add(step)
                told += events.tool_call(step, self._transcript.assistant_id(turn))
            case "tool_result":
                self._transcript.add(step)
                told.append(events.tool_result(step, self._transcript.result_id(step)))
            case _:
                told += self._comes_to_nothing(step)
                told.append(events.custom(step))
        return told

    def _turn_of(self, turn: int | None) -> list[Event]:
        if turn is None or turn == self._turn:
            return []
        told = self.end()
        self._turn = turn
        return [*told, events.step_started(f"turn {turn}")]

    def _settle(self, said_as: Said, message_id: str, step: dict[str, Any]) -> list[Event]:
        """Make what was told of a message what is recorded of it."""
        self._transcript.add(step)
        told, recorded = self._said.get(message_id, ""), step["content"]
        if recorded.startswith(told):
            return [*self._say_in(said_as, message_id, recorded[len(told) :], always=True), *self._end(message_id)]
        self._said[message_id] = recorded
        return [*self._end(message_id), self.snapshot()]

    def _decide(self, turn: int | None) -> list[Event]:
        """The reply of this turn is recorded: what was told and is no part of it is taken back."""
        if (turn or 0) <= self._decided:
            return []
        self._decided, self._card = turn or 0, None
        ids = (self._transcript.reasoning_id(turn), self._transcript.assistant_id(turn))
        return self._take_back([each for each in ids if self._said.get(each, "") != self._transcript.text_of(each)])

    def _comes_to_nothing(self, step: dict[str, Any]) -> list[Event]:
        """A step may say that a reply in the making has failed, lost a race, or is asked for again."""
        metadata = step["metadata"]
        cards = set(metadata.get("cards") or ([metadata["card"]] if metadata.get("card") else []))
        self._over |= cards
        told = self._void() if self._card in cards else []
        if metadata.get("note") == "bad_output":
            # A turn of its own: the model sees what was wrong, and tries again in the next one.
            told += self._decide(step["turn"])
        return told

    # --- words ---

    def _words(self) -> list[Event]:
        """What was written and not told yet of the reply that is told."""
        # Words come faster than rows are read: those of a turn wait until the turn before is told.
        following = [card for card in self._cards if turn_of(card)[1] == self._decided + 1 and card not in self._over]
        if self._card not in following:
            self._card = following[0] if following else None
        told: list[Event] = []
        for said_as, whole in self._cards[self._card].items() if self._card else ():
            turn = turn_of(self._card)[1] if self._card else 0
            known = self._said.get(self._id(said_as, turn), "")
            if whole.startswith(known):
                told += self._say(said_as, turn, whole[len(known) :])
        return told

    def _say(self, said_as: Said, turn: int, text: str) -> list[Event]:
        return [*self._turn_of(turn), *self._say_in(said_as, self._id(said_as, turn), text)] if text else []

    def _say_in(self, said_as: Said, message_id: str, text: str, *, always: bool = False) -> list[Event]:
        """Words for a message, which is begun if it is not; `always` also without any."""
        told: list[Event] = []
        if message_id not in self._open and (text or (always and message_id not in self._said)):
            self._open[message_id] = said_as
            told += (events.reasoning_start if said_as == "reasoning" else events.text_start)(message_id)
        self._said[message_id] = self._said.get(message_id, "") + text
        if text:
            told.append((events.reasoning_content if said_as == "reasoning" else events.text_content)(message_id, text))
        return told

    def _end(self, message_id: str) -> list[Event]:
        said_as = self._open.pop(message_id, None)
        if said_as is None:
            return []
        return (events.reasoning_end if said_as == "reasoning" else events.text_end)(message_id)

    def _end_all(self) -> list[Event]:
        return [event for message_id in list(self._open) for event in self._end(message_id)]

    def _void(self) -> list[Event]:
        """Take back all that was told of the reply that is told now."""
        turn = turn_of(self._card)[1] if self._card else 0
        self._card = None
        return self._take_back([self._id(said_as, turn) for said_as in ("reasoning", "assistant")])

    def _take_back(self, message_ids: list[str]) -> list[Event]:
        told_of = [each for each in message_ids if self._said.get(each)]
        if not told_of:
            return []
        ends = [event for each in told_of for event in self._end(each)]
        for each in told_of:
            self._said[each] = self._transcript.text_of(each)
        return [*ends, self.snapshot()]

    def _id(self, said_as: Said, turn: int) -> str:
        is_thought = said_as == "reasoning"
        return self._transcript.reasoning_id(turn) if is_thought else self._transcript.assistant_id(turn)


def _said_as(kind: str) -> Said:
    return "reasoning" if kind == "reasoning" else "assistant"


def _split(text: str, kinds: list[list[Any]] | None) -> dict[Said, str]:
    """What a snap says, by what it is."""
    said: dict[Said, str] = {}
    place = 0
    for kind, length in kinds or [["text", len(text)]]:
        said_as = _said_as(kind)
        said[said_as] = said.get(said_as, "") + text[place : place + length]
        place += length
    return said
