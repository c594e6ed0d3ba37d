"""The messages of the reply a client is being told: what of them was said, which are open, which ids are used up."""

from collections.abc import Iterable
from dataclasses import dataclass

from runs.api.agui import events
from runs.api.agui.drafts import Role
from runs.api.agui.events import Event
from runs.api.agui.transcript import Message


@dataclass(slots=True)
class ToldMessage:
    """A message, as far as the client was told of it."""

    id: str
    text: str = ""
    is_open: bool = True
    is_recorded: bool = False


class ToldReply:
    """One reply after the other: at most one message for each role, and only one open at a time."""

    def __init__(self, thoughts: Iterable[str] = ()) -> None:
        """`thoughts` are the ids of reasoning the client has from elsewhere."""
        self.card: str | None = None
        """The draft it is of; None while it is none, or one of steps alone."""
        self.turn = 0
        self.thoughts = set(thoughts)
        """Ids of all reasoning the client may have."""
        self._messages: dict[Role, ToldMessage] = {}
        self._begun: set[str] = set()
        """Ids that were begun on this stream, ever."""

    @property
    def is_recorded(self) -> bool:
        """True if nothing was told that is not recorded."""
        return all(message.is_recorded for message in self._messages.values())

    def unrecorded(self) -> list[Message]:
        """What the client holds of it beside the recorded messages."""
        return [
            {"id": message.id, "role": role, "content": message.text}
            for role, message in self._messages.items()
            if not message.is_recorded
        ]

    def can_become(self, role: Role, message_id: str, text: str) -> bool:
        """True if events can make what was told of a message the recorded `text` of `message_id`, in its place."""
        message = self._messages.get(role)
        if message is None:
            return not self._is_late(role) and message_id not in self._begun
        if message.id != message_id:
            return False
        return message.text == text or (message.is_open and text.startswith(message.text))

    def record(self, role: Role, message_id: str, text: str, *, turn: int) -> list[Event]:
        """The rest of a message that `can_become` what is recorded, and its end."""
        self.turn = turn
        begins = [] if role in self._messages else self._begin(role, message_id)
        message = self._messages[role]
        message.is_recorded = True
        return begins + self._say(role, text[len(message.text) :]) + self._end(role)

    def write(self, role: Role, message_id: str, words: str) -> list[Event]:
        """What was not told yet of the `words` written so far. Begins a message at the first that is not blank.

        Its id is `message_id`, or one beside it where that was begun before. Nothing comes back for words that do not
        go on from those told; what is recorded will say what there is.
        """
        message = self._messages.get(role)
        if message is None:
            if self._is_late(role) or not words.strip():
                return []
            return self._begin(role, self._fresh(message_id)) + self._say(role, words)
        return self._say(role, words[len(message.text) :]) if message.is_open and words.startswith(message.text) else []

    def end(self) -> list[Event]:
        """The end of what is open."""
        return [event for role in self._messages for event in self._end(role)]

    def clear(self) -> None:
        """The next one. What is open must have been ended."""
        self._messages.clear()
        self.card = None

    def _is_late(self, role: Role) -> bool:
        """A thought that comes after the words it led to has its place before them."""
        return role == "reasoning" and "assistant" in self._messages

    def _fresh(self, message_id: str) -> str:
        number, fresh = 1, message_id
        while fresh in self._begun:
            number += 1
            fresh = f"{message_id}:{number}"
        return fresh

    def _begin(self, role: Role, message_id: str) -> list[Event]:
        ends = self.end()  # A thought is over when the words begin.
        self._messages[role] = ToldMessage(message_id)
        self._begun.add(message_id)
        if role == "reasoning":
            self.thoughts.add(message_id)
        return ends + events.message_start(role, message_id)

    def _say(self, role: Role, words: str) -> list[Event]:
        message = self._messages[role]
        message.text += words
        return [events.message_content(role, message.id, words)] if words else []

    def _end(self, role: Role) -> list[Event]:
        message = self._messages[role]
        was_open, message.is_open = message.is_open, False
        return events.message_end(role, message.id) if was_open else []
