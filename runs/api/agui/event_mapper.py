"""A run as AG-UI events: text as it is generated, corrected by the recorded steps.

The state machine that keeps every stream valid:

- Turns come in order, each as one AG-UI step. A step of ours from an earlier turn starts no AG-UI step again.
- Of the replies in the making, the client is sent one *draft* at a time, and none before all calls of the previous turn
  have their results: clients order messages by their start.
- A message is started once, grows while it is open, and is ended before the next item of the conversation. Its id is
  never started again.
- The recorded step wins. If the sent text is a prefix of the recorded text, the rest follows. If it is not (its
  attempt failed, another lane won, it was reasoning before a call, or the provider sent its reasoning late), open
  messages are ended and a snapshot replaces all messages: AG-UI cannot retract text, a snapshot can.
- At rest, when nothing more will be recorded, the client holds exactly the recorded messages, like a client that
  connects later.
"""

from collections.abc import Iterable

from runs.agent.payloads.kinds import decides_turn, ended_cards
from runs.api.agui import events
from runs.api.agui.events import Event
from runs.api.agui.reply_drafts import ROLES, Drafts, Role, words_of
from runs.api.agui.reply_messages import SentReply
from runs.api.agui.transcript import (
    Transcript,
    WireMessage,
    is_gone_on_from,
    is_nested,
    is_so_far,
    is_unfinished,
    payload_of,
)
from runs.models.as_json import StepJson
from runs.reply_frames import ReplyFrame


class EventMapper:
    """The event stream of one run for one client."""

    def __init__(self, transcript: Transcript, before: list[WireMessage], thoughts: Iterable[str] = ()) -> None:
        """`before`: the client's messages from elsewhere; `thoughts`: the ids of this run's reasoning that it has."""
        self._transcript = transcript
        self._before = before
        self._drafts = Drafts()
        self._told = SentReply(thoughts)
        self._turn = 0
        """The last turn that was started."""
        self._is_in_turn = False
        self._replied = 0
        """The last turn whose reply is recorded."""
        self._unanswered: set[str] = set()
        """Calls of that reply without a result."""

    def snapshot(self) -> Event:
        """All messages: the client's own first, those being sent last."""
        messages = [*self._before, *self._transcript.messages(), *self._told.unrecorded()]
        others = [*self._before, *self._told.unrecorded()]
        if not self._transcript.has_reasoning and not any(message["role"] == "reasoning" for message in others):
            # A client keeps its reasoning if a snapshot has none, so dropped reasoning is emptied instead.
            messages += [{"id": each, "role": "reasoning", "content": ""} for each in sorted(self._told.thoughts)]
        return events.messages_snapshot(messages)

    def take_in(self, steps: list[StepJson]) -> None:
        """Take in steps that the client will get in a snapshot."""
        for step in steps:
            self._transcript.add(step)
            self._count(step)
            # The step's turn may not be over; it is started when it continues.
            self._turn = max(self._turn, (step["turn"] or 0) - 1)

    def steps(self, steps: list[StepJson]) -> list[Event]:
        """The events of newly recorded steps."""
        return [*(event for step in steps for event in self._step(step)), *self._words()]

    def pieces(self, frame: ReplyFrame) -> list[Event]:
        """The events of text from a reply in the making."""
        self._drafts.hear(frame)
        return self._words()

    def rest(self) -> list[Event]:
        """The events when no host works on the run: text that is not recorded now never will be."""
        self._drafts.end(self._drafts.cards_of(None))
        return self._settle()

    def end(self) -> list[Event]:
        """End all open messages and the open turn."""
        return self._told.end() + self._end_turn()

    # --- Steps ---

    def _step(self, step: StepJson) -> list[Event]:
        begins = self._begin_turn(step["turn"])
        match step["kind"]:
            case "reasoning":
                return begins + self._part(step, "reasoning")
            case "answer":
                return begins + self._part(step, "assistant") + self._settle()
            case "note" if is_so_far(step):
                return begins + self._part(step, "assistant") + self._settle()
            case "tool_call" if not is_nested(step):
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

    def _part(self, step: StepJson, role: Role) -> list[Event]:
        """The recorded reasoning or text of a reply."""
        turn, text = step["turn"] or 0, step["content"]
        before = self._settle() if turn != self._told.turn else []
        was_unfinished = self._transcript.drop_unfinished(turn)
        self._transcript.add(step)
        self._count(step)
        message_id = self._transcript.id_of(role, turn)
        if was_unfinished or not self._told.can_become(role, message_id, text):
            return before + self._take_back()
        return before + self._told.record(role, message_id, text, turn=turn)

    def _call(self, step: StepJson) -> list[Event]:
        turn = step["turn"] or 0
        # First: if this sends a snapshot with the call in it, the call must not be sent again.
        before = self._decide(turn)
        is_known = self._transcript.has_call(step)
        self._transcript.add(step)
        self._count(step)
        return before if is_known else before + events.tool_call(step, self._transcript.id_of("assistant", turn))

    def _result(self, step: StepJson) -> list[Event]:
        before = self._settle()
        self._transcript.add(step)
        self._count(step)
        return [*before, events.tool_result(step, self._transcript.result_id(step))]

    def _other(self, step: StepJson) -> list[Event]:
        """A step without an AG-UI event. It may end a draft: a failed attempt, a lost race, a retry."""
        told: list[Event] = []
        if _ends_drafts(step):
            told = self._end_drafts(step)
        elif _cards(step):
            # The reply is recorded although it is no part of the conversation: output that does not fit its schema.
            told = self._decide(step["turn"] or 0)
        self._count(step)
        return [*told, events.custom(step)]

    def _end_drafts(self, step: StepJson) -> list[Event]:
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
        """The reply of this turn is recorded: sent text that is no part of it is retracted."""
        return self._take_back() if self._transcript.drop_unfinished(turn) else self._settle()

    def _settle(self) -> list[Event]:
        """End the reply being sent: text that is not recorded is retracted."""
        if self._told.is_recorded:
            self._told.clear()
            return []
        return self._take_back()

    def _take_back(self) -> list[Event]:
        """End the open messages, and send a snapshot in their place."""
        ends = self._told.end()
        self._told.clear()
        return [*ends, self.snapshot()]

    def _count(self, step: StepJson) -> None:
        """Track which replies and results are recorded."""
        turn, call_id = step["turn"] or 0, step["call_id"] or ""
        match step["kind"]:
            case "reasoning":
                # The reply is recorded, but its calls may be in the next page of steps.
                self._drafts.close(turn)
            case "answer":
                self._reply(turn)
            case "tool_call" if not is_nested(step):
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

    # --- Text ---

    def _words(self) -> list[Event]:
        """The unsent text of the current draft."""
        # Text arrives faster than rows are read: a turn's text waits for the results of the turn before.
        draft = None if self._unanswered else self._drafts.of(self._replied + 1, told=self._told.card)
        if draft is None:
            return []
        told: list[Event] = []
        if draft.card != self._told.card:
            told = self._settle() + self._begin_turn(draft.turn)
            self._told.card, self._told.turn = draft.card, draft.turn
        words = words_of(draft)
        for role in ROLES:
            told += self._told.write(role, self._transcript.id_of(role, draft.turn), words.get(role, ""))
        return told


def _cards(step: StepJson) -> set[str]:
    """The cards in a step's payload."""
    return set(ended_cards(payload_of(step)))


def _ends_drafts(step: StepJson) -> bool:
    """True for a step that ends single drafts rather than a whole turn."""
    return not decides_turn(payload_of(step))
