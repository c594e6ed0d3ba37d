"""The exchanges before the task, as much of them as fits the model's window."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from runs.agent.files.file_info import IMAGE_TOKENS
from runs.agent.messages import Exchange, ModelReply, Turn
from runs.agent.omitted_context import EarlierRuns

LONG_CHARS = 4_000
"""Length to which a long earlier task or answer is cut."""


Count = Callable[[str], int]
CountTurn = Callable[[Turn], int]


class EarlierExchanges:
    """The exchanges before a run, oldest first, as its model sees them: in full while they fit.

    What was shortened stays so, which keeps the beginning of the following requests the same.
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
        """Estimated tokens of the exchanges as they are shown."""
        return sum(self._tokens)

    @property
    def is_changed(self) -> bool:
        """True if anything was shortened or left out."""
        return self._is_changed

    def shrink_to(self, room: float) -> bool:
        """Shorten to at most `room` tokens, or as far as possible. Returns whether anything changed.

        First the turns go, then whole exchanges, each from the oldest on. The task and the answer of the last exchange
        stay, if necessary only their beginning: the run's task most likely refers to them.
        """
        before = self.shown
        for shorten in (_without_turns, None, _cut):
            while self.tokens > room and self._shorten_one(shorten):
                pass
        changed = self.shown != before
        self._is_changed = self._is_changed or changed
        return changed

    @property
    def left(self) -> EarlierRuns:
        """How much the model still sees."""
        return EarlierRuns(self._total, len(self.shown))

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
        said = (exchange.task, exchange.ending, *exchange.messages)
        texts = sum(map(self._count, said)) + sum(map(self._count_turn, replies))
        return texts + IMAGE_TOKENS * len(exchange.images)


def _without_turns(exchange: Exchange) -> Exchange:
    """What people said meanwhile stays: it belongs to the task."""
    messages = (*(message for turn in exchange.turns for message in turn.messages), *exchange.messages)
    return replace(exchange, turns=(), messages=messages)


def _cut(exchange: Exchange) -> Exchange:
    answer = exchange.answer
    if answer is not None and len(answer.text) > LONG_CHARS:
        # Without `replay`, which repeats the full text.
        answer = ModelReply(text=_beginning(answer.text))
    messages = tuple(map(_beginning, exchange.messages))
    return replace(exchange, task=_beginning(exchange.task), messages=messages, answer=answer)


def _beginning(text: str) -> str:
    if len(text) <= LONG_CHARS + 60:
        return text
    return f"{text[:LONG_CHARS]}… [shortened: it had {len(text):,} characters]"
