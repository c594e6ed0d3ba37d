"""The messages of the reply being sent: their sent text, open messages, and used ids."""

from collections.abc import Iterable
from dataclasses import dataclass

from runs.api.agui import events
from runs.api.agui.events import Event
from runs.api.agui.reply_drafts import Role
from runs.api.agui.transcript import WireMessage


@dataclass(slots=True)
class SentMessage:
    """A message, as far as it was sent."""

    id: str
    text: str = ""
    is_open: bool = True
    is_recorded: bool = False


class SentReply:
    """One reply after the other: at most one message for each role, and only one open at a time."""

    def __init__(self, thoughts: Iterable[str] = ()) -> None:
        """`thoughts`: ids of reasoning that the client has from elsewhere."""
        self.card: str | None = None
        """The draft being sent; None if there is none, or if the reply has steps only."""
        self.turn = 0
        self.thoughts = set(thoughts)
        """Ids of all reasoning the client may have."""
        self._messages: dict[Role, SentMessage] = {}
        self._begun: set[str] = set()
        """All ids that were started on this stream."""

    @property
    def is_recorded(self) -> bool:
        """True if all sent messages are recorded."""
        return all(message.is_recorded for message in self._messages.values())

    def unrecorded(self) -> list[WireMessage]:
        """The sent messages that are not recorded."""
        return [
            {"id": message.id, "role": role, "content": message.text}
            for role, message in self._messages.items()
            if not message.is_recorded
        ]

    def can_become(self, role: Role, message_id: str, text: str) -> bool:
        """True if further events can turn the sent message of `role` into the recorded `text` of `message_id`."""
        message = self._messages.get(role)
        if message is None:
            return not self._is_late(role) and message_id not in self._begun
        if message.id != message_id:
            return False
        return message.text == text or (message.is_open and text.startswith(message.text))

    def record(self, role: Role, message_id: str, text: str, *, turn: int) -> list[Event]:
        """The rest of a message for which `can_become` is true, and its end."""
        self.turn = turn
        begins = [] if role in self._messages else self._begin(role, message_id)
        message = self._messages[role]
        message.is_recorded = True
        return begins + self._say(role, text[len(message.text) :]) + self._end(role)

    def write(self, role: Role, message_id: str, words: str) -> list[Event]:
        """The unsent part of `words`, the text so far. A message is started at its first non-blank text.

        Its id is `message_id`, or a numbered one if that was started before. No events for text that does not continue
        the sent text: the recorded step will correct it.
        """
        message = self._messages.get(role)
        if message is None:
            if self._is_late(role) or not words.strip():
                return []
            return self._begin(role, self._fresh(message_id)) + self._say(role, words)
        return self._say(role, words[len(message.text) :]) if message.is_open and words.startswith(message.text) else []

    def end(self) -> list[Event]:
        """The end events of open messages."""
        return [event for role in self._messages for event in self._end(role)]

    def clear(self) -> None:
        """Start the next reply. Open messages must have been ended."""
        self._messages.clear()
        self.card = None

    def _is_late(self, role: Role) -> bool:
        """True for reasoning that comes after the text it belongs before."""
        return role == "reasoning" and "assistant" in self._messages

    def _fresh(self, message_id: str) -> str:
        number, fresh = 1, message_id
        while fresh in self._begun:
            number += 1
            fresh = f"{message_id}:{number}"
        return fresh

    def _begin(self, role: Role, message_id: str) -> list[Event]:
        ends = self.end()  # Reasoning ends when the text begins.
        self._messages[role] = SentMessage(message_id)
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
