"""What a request leaves out to fit a model's window."""

from dataclasses import dataclass
from typing import NamedTuple

from runs.agent.wording import Wording


class EarlierRuns(NamedTuple):
    """How much of the earlier runs of a conversation a model still sees."""

    total: int
    shown: int
    """The last ones. If they are all, only their tasks and answers are shown."""

    def words(self, tokens: int) -> Wording:
        """The sentence shown to people; the window has `tokens`."""
        if self.shown == self.total:
            return Wording(
                "The model sees of the earlier runs of this conversation only the tasks and the answers: its window "
                "holds %(tokens)s tokens.",
                tokens=tokens,
            )
        return Wording(
            "The model sees of the %(count)s earlier run of this conversation only the last %(shown)s: its window "
            "holds %(tokens)s tokens.",
            plural="The model sees of the %(count)s earlier runs of this conversation only the last %(shown)s: its "
            "window holds %(tokens)s tokens.",
            count=self.total,
            shown=self.shown,
            tokens=tokens,
        )


@dataclass(frozen=True, slots=True)
class OmittedContext:
    """What was shortened or left out of a request. Turns are counted from 1."""

    hidden_turns: int
    """The first `hidden_turns` turns are left out."""
    shortened_turns: int
    """The results of the turns up to this one are shortened, unless the turn is left out."""
    results: int
    """Number of results in those turns, counted from the beginning of the run."""
    earlier: EarlierRuns | None = None
    """What the model still sees of the earlier runs; None if that did not change."""

    def words(self, tokens: int) -> Wording:
        """The sentences shown to people; the window has `tokens`."""
        if self.earlier is not None:
            return self.earlier.words(tokens)
        if not self.hidden_turns:
            return self._shortened(tokens)
        hidden = Wording(
            "The model no longer sees turn %(last)s: its window holds %(tokens)s tokens.",
            plural="The model no longer sees turns 1 to %(last)s: its window holds %(tokens)s tokens.",
            count=self.hidden_turns,
            last=self.hidden_turns,
            tokens=tokens,
        )
        return Wording.paragraph(hidden, self._also_shortened()) if self._count_shortened() > 0 else hidden

    def _shortened(self, tokens: int) -> Wording:
        return Wording(
            "The model sees only the beginning of long results in turn %(last)s: its window holds %(tokens)s tokens.",
            plural="The model sees only the beginning of long results in turns %(first)s to %(last)s: its window holds "
            "%(tokens)s tokens.",
            count=self._count_shortened(),
            first=1,
            last=self.shortened_turns,
            tokens=tokens,
        )

    def _also_shortened(self) -> Wording:
        return Wording(
            "Of long results in turn %(last)s it sees only the beginning.",
            plural="Of long results in turns %(first)s to %(last)s it sees only the beginning.",
            count=self._count_shortened(),
            first=self.hidden_turns + 1,
            last=self.shortened_turns,
        )

    def _count_shortened(self) -> int:
        return self.shortened_turns - self.hidden_turns
