"""A run as AG-UI events: words as they are written, and the recorded step as the last word.

The state machine, which is what keeps every stream valid:

- Turns come in their order, each as one AG-UI step. A step of ours that belongs to an earlier turn opens none again.
- Of the replies in the making the client is told one *draft* at a time, and of none before all calls of the turn before
  have their results: clients keep messages in the order in which they begin.
- A message is begun once, grows while it is open, and is ended before anything else of the conversation is told. Its
  id is never begun again.
- What is recorded wins. Where the words told are the beginning of what is recorded, the rest follows. Where they are
  not (its attempt failed, another lane won, it was the thought before a call, the provider told its thoughts late),
  open messages are ended and a snapshot of all messages says what there is: AG-UI cannot take words back, a snapshot
  can.
- At rest, when nothing will be recorded any more, the client holds exactly the recorded messages: what a client that
  comes later is shown.
"""

from collections.abc import Iterable
from typing import Any

from runs.api.agui import events
from runs.api.agui.drafts import ROLES, Drafts, Role
from runs.api.agui.events import Event
from runs.api.agui.reply_messages import ToldReply
from runs.api.agui.transcript import Message, Transcript, is_gone_on_from, is_unfinished

Step = dict[str, Any]


class Emitter:
    """One run, told to one client."""

    def __init__(self, transcript: Transcript, before: list[Message], thoughts: Iterable[str] = ()) -> None:
        """`before` are the client's messages of elsewhere, `thoughts` the ids of the reasoning it has of this run."""
        self._transcript = transcript
        self._before = before
        self._drafts = Drafts()
        self._told = ToldReply(thoughts)
        self._turn = 0
        """The last turn that was begun."""
        self._is_in_turn = False
        self._replied = 0
        """The last turn whose reply is recorded."""
        self._unanswered: set[str] = set()
        """Calls of that reply without a result."""

    def snapshot(self) -> Event:
        """All messages: those of the client first, what is being told last."""
        messages = [*self._before, *self._transcript.messages(), *self._told.unrecorded()]
        if not any(message["role"] == "reasoning" for message in messages):
            # A client keeps its reasoning if a snapshot has none, so what came to nothing is emptied.
            messages += [{"id": each, "role": "reasoning", "content": ""} for each in sorted(self._told.thoughts)]
        return events.messages_snapshot(messages)

    def take_in(self, steps: list[Step]) -> None:
        """Steps the client will see in a snapshot."""
        for step in steps:
            self._transcript.add(step)
            self._count(step)
            # The turn itself may go on, and is then begun.
            self._turn = max(self._turn, (step["turn"] or 0) - 1)

    def steps(self, steps: list[Step]) -> list[Event]:
        """Steps that were recorded just now."""
        return [*(event for step in steps for event in self._step(step)), *self._words()]

    def pieces(self, frame: dict[str, Any]) -> list[Event]:
        """Words of a reply in the making."""
        self._drafts.hear(frame)
        return self._words()

    def rest(self) -> list[Event]:
        """Nobody works on the run: what was told and is not recorded will not be."""
        self._drafts.end(self._drafts.cards_of(None))
        return self._settle()

    def end(self) -> list[Event]:
        """End whatever is begun."""
        return self._told.end() + self._end_turn()

    # --- steps ---

    def _step(self, step: Step) -> list[Event]:
        begins = self._begin_turn(step["turn"])
        match step["kind"]:
            case "reasoning":
                return begins + self._part(step, "reasoning")
            case "answer":
                return begins + self._part(step, "assistant") + self._settle()
            case "tool_call":
                return begins + self._call(step)
            case "tool_result" if self._transcript.has_call(step):
                return begins + self._result(step)
            case _:
                return begins + self._other(step)

    def _begin_turn(self, turn: int | None) -> list[Event]:
        if turn is None or turn < self._turn or (turn == self._turn and self._is_in_turn):
            return []
        ends = self._settle() + self._end_turn()
        self._turn, self._is_in_turn = turn, True
        return [*ends, events.step_started(f"turn {turn}")]

    def _end_turn(self) -> list[Event]:
        was_in_turn, self._is_in_turn = self._is_in_turn, False
        return [events.step_finished(f"turn {self._turn}")] if was_in_turn else []

    def _part(self, step: Step, role: Role) -> list[Event]:
        """What a reply thinks or says, now that it is recorded."""
        turn, text = step["turn"] or 0, step["content"]
        before = self._settle() if turn != self._told.turn else []
        was_unfinished = self._transcript.drop_unfinished(turn)
        self._transcript.add(step)
        self._count(step)
        message_id = self._transcript.id_of(role, turn)
        if was_unfinished or not self._told.can_become(role, message_id, text):
            return before + self._take_back()
        return before + self._told.record(role, message_id, text, turn=turn)

    def _call(self, step: Step) -> list[Event]:
        turn = step["turn"] or 0
        # First, because a call that stands in a snapshot must not be told again.
        before = self._decide(turn)
        is_known = self._transcript.has_call(step)
        self._transcript.add(step)
        self._count(step)
        return before if is_known else before + events.tool_call(step, self._transcript.id_of("assistant", turn))

    def _result(self, step: Step) -> list[Event]:
        before = self._settle()
        self._transcript.add(step)
        self._count(step)
        return [*before, events.tool_result(step, self._transcript.result_id(step))]

    def _other(self, step: Step) -> list[Event]:
        """A step AG-UI has no event for. It may say that a reply has failed, lost a race, or is asked for again."""
        told: list[Event] = []
        if _ends_drafts(step):
            told = self._end_drafts(step)
        elif _cards(step):
            # Its reply is recorded, though it is nothing of the conversation: an answer that does not fit.
            told = self._decide(step["turn"] or 0)
        self._count(step)
        return [*told, events.custom(step)]

    def _end_drafts(self, step: Step) -> list[Event]:
        cards, turn = _cards(step), step["turn"]
        if is_unfinished(step) and not cards:
            cards = self._drafts.cards_of(turn)
            if self._told.card is not None and turn in (None, self._told.turn):
                cards.add(self._told.card)
        self._drafts.end(cards)
        self._transcript.add(step)
        told = self._settle() if self._told.card in cards else []
        return told or ([self.snapshot()] if is_unfinished(step) else [])

    def _decide(self, turn: int) -> list[Event]:
        """The reply of this turn is recorded: what was told and is no part of it is taken back."""
        return self._take_back() if self._transcript.drop_unfinished(turn) else self._settle()

    def _settle(self) -> list[Event]:
        """The reply that is told is over: what is not recorded of it is taken back."""
        if self._told.is_recorded:
            self._told.clear()
            return []
        return self._take_back()

    def _take_back(self) -> list[Event]:
        """End what is told of a reply, and say what there is instead."""
        ends = self._told.end()
        self._told.clear()
        return [*ends, self.snapshot()]

    def _count(self, step: Step) -> None:
        """Keep account of which replies and results are recorded."""
        turn, call_id = step["turn"] or 0, step["call_id"] or ""
        match step["kind"]:
            case "reasoning":
                # The reply is there, but its calls may stand in the next page of steps.
                self._drafts.close(turn)
            case "answer":
                self._reply(turn)
            case "tool_call":
                self._reply(turn)
                self._unanswered.add(call_id)
            case "tool_result":
                self._unanswered.discard(call_id)
            case _ if is_gone_on_from(step) or (_cards(step) and not _ends_drafts(step)):
                self._reply(turn)

    def _reply(self, turn: int) -> None:
        self._drafts.close(turn)
        if turn > self._replied:
            self._replied = turn
            self._unanswered.clear()

    # --- words ---

    def _words(self) -> list[Event]:
        """What was written and not told yet of the draft that is told."""
        # Words come faster than rows are read: those of a turn wait until the turn before is told, results included.
        draft = None if self._unanswered else self._drafts.of(self._replied + 1, told=self._told.card)
        if draft is None:
            return []
        told: list[Event] = []
        if draft.card != self._told.card:
            told = self._settle() + self._begin_turn(draft.turn)
            self._told.card, self._told.turn = draft.card, draft.turn
        for role, words in ((role, draft.words.get(role, "")) for role in ROLES):
            told += self._told.write(role, self._transcript.id_of(role, draft.turn), words)
        return told


def _cards(step: Step) -> set[str]:
    """The cards a step speaks of."""
    metadata = step["metadata"]
    return set(metadata.get("cards") or ([metadata["card"]] if metadata.get("card") else []))


def _ends_drafts(step: Step) -> bool:
    """True for a step that says what became of single drafts, rather than of a whole turn."""
    return step["kind"] in ("retry", "race") or is_unfinished(step)
