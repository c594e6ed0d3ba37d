"""Which of the replies in the making a client is told."""

from typing import Literal

from runs.live.feeds.reply_state import ReplyBuffer, ReplyState
from runs.reply_frames import ReplyFrame, turn_of

Role = Literal["reasoning", "assistant"]
"""What a message of a reply is: what the model thought, or what it said."""

ROLES: tuple[Role, ...] = ("reasoning", "assistant")
"""In the order in which a reply has them."""


class Drafts:
    """All replies in the making, as far as a client's stream has heard of them."""

    def __init__(self) -> None:
        self._replies = ReplyState()

    def hear(self, frame: ReplyFrame) -> None:
        """Take in a frame of pieces, as `runs.live.sockets.stream_follower` hands it on."""
        self._replies.hear(frame)

    def end(self, cards: set[str]) -> None:
        """These came to nothing."""
        self._replies.end(cards)

    def cards_of(self, turn: int | None) -> set[str]:
        """The cards of a turn; of all turns without one."""
        return {card for card, reply in self._replies.open.items() if turn is None or reply.turn == turn}

    def close(self, turn: int) -> None:
        """The reply of this turn is recorded: nothing of it, or of a turn before, is in the making."""
        self._replies.end_turn(turn)

    def of(self, turn: int, *, told: str | None) -> ReplyBuffer | None:
        """The draft of a turn that is to be told; None if there is none.

        Of several at once it is the first. `told` is the card that is being told: no other takes its place before a
        step has ended it, unless a later claim has begun the turn anew, for then no step will.
        """
        # All open cards are of one claim, the last.
        first = next((reply for reply in self._replies.open.values() if reply.turn == turn), None)
        if told is None or turn_of(told)[1] != turn or (first is not None and first.epoch > turn_of(told)[0]):
            return first
        return self._replies.open.get(told)


def words_of(draft: ReplyBuffer) -> dict[Role, str]:
    """What it thinks and says, by what it is."""
    words: dict[Role, str] = {}
    for kind, text in draft.pieces:
        role: Role = "reasoning" if kind == "reasoning" else "assistant"
        words[role] = words.get(role, "") + text
    return words
