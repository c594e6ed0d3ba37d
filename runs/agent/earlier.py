"""What was said before the task, as much of it as the model's window holds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from runs.agent.messages import Exchange, ModelReply, Turn

LONG_CHARS = 4_000
"""What is left of a long earlier task or answer when the window is full."""


Count = Callable[[str], int]
CountTurn = Callable[[Turn], int]


class Earlier:
    """The exchanges before a run, oldest first, as they are shown to its model: in full while they fit.

    What is shortened stays so, which keeps the beginning of the next requests the same.
    """

    def __init__(self, exchanges: Sequence[Exchange], *, count: Count, count_turn: CountTurn) -> None:
        self.shown: tuple[Exchange, ...] = tuple(exchanges)
        self._total = len(self.shown)
        self._is_changed = False
        self._count = count
        self._count_turn = count_turn
        self._tokens = [self._tokens_of(each) for each in self.shown]

    @property
    def tokens(self) -> int:
        """About how many tokens the exchanges have as they are shown."""
        return sum(self._tokens)

    @property
    def is_changed(self) -> bool:
        """True if they are not shown in full."""
        return self._is_changed

    def shrink_to(self, room: float) -> bool:
        """Show less until it has at most `room` tokens, or nothing more can go; whether anything was changed.

        First what was done goes, then whole exchanges, each from the oldest on. Of the last one the task and the
        answer stay, cut at their beginning if they must be: the task most likely speaks of them.
        """
        before = self.shown
        for shorten in (_without_turns, None, _cut):
            while self.tokens > room and self._shorten_one(shorten):
                pass
        changed = self.shown != before
        self._is_changed = self._is_changed or changed
        return changed

    def words(self) -> str:
        """What the model no longer sees of it, for people."""
        gone = self._total - len(self.shown)
        if gone:
            return f"of the {self._total} earlier runs of this conversation only the last {len(self.shown)}"
        return "of the earlier runs of this conversation only the tasks and the answers"

    def _shorten_one(self, shorten: Callable[[Exchange], Exchange] | None) -> bool:
        if shorten is None:
            if len(self.shown) < 2:
                return False
            self.shown, self._tokens = self.shown[1:], self._tokens[1:]
            return True
        for index, exchange in enumerate(self.shown):
            if (shorter := shorten(exchange)) != exchange:
                self.shown = (*self.shown[:index], shorter, *self.shown[index + 1 :])
                self._tokens[index] = self._tokens_of(shorter)
                return True
        return False

    def _tokens_of(self, exchange: Exchange) -> int:
        answer = exchange.answer
        replies = [*exchange.turns, *([Turn(answer)] if answer is not None else [])]
        return self._count(exchange.task) + self._count(exchange.ending) + sum(map(self._count_turn, replies))


def _without_turns(exchange: Exchange) -> Exchange:
    return replace(exchange, turns=())


def _cut(exchange: Exchange) -> Exchange:
    answer = exchange.answer
    if answer is not None and len(answer.text) > LONG_CHARS:
        # Not its replay value, which says all of it again.
        answer = ModelReply(text=_beginning(answer.text))
    return replace(exchange, task=_beginning(exchange.task), answer=answer)


def _beginning(text: str) -> str:
    if len(text) <= LONG_CHARS + 60:
        return text
    return f"{text[:LONG_CHARS]}… [shortened: it had {len(text):,} characters]"
