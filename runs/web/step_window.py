"""Windows of a run's steps: what one page, or one request while scrolling, shows of them."""

from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from runs.models import Run, Step
from runs.web.step_filters import StepFilter

WINDOW_STEPS: Final = 100
"""Steps of a window. A browser needs 13 ms to paint a new one among 500 cards, and 68 ms among 5,000."""


@dataclass(frozen=True, slots=True)
class StepWindow:
    """Consecutive steps of a run, or of those that pass a filter, oldest first."""

    steps: list[Step]
    before: int = 0
    """The sequence that older steps precede; 0 if there are none."""
    after: int = 0
    """The sequence that newer steps follow; 0 if there are none."""

    @property
    def last(self) -> int:
        """The sequence of its last step; 0 without one."""
        return self.steps[-1].sequence if self.steps else 0

    @property
    def newer_at(self) -> int:
        """The step in the middle of the next window, for a page that shows the window around a step."""
        return self.after + WINDOW_STEPS // 2


@dataclass(frozen=True, slots=True)
class StepsBeside:
    """The steps on both sides of a window (`turn_folds.Beside`)."""

    run: Run

    def before(self, sequence: int, most: int) -> list[Step]:
        """The last `most` steps before that one, in order."""
        return list(self._rows.filter(sequence__lt=sequence).order_by("-sequence")[:most])[::-1]

    def after(self, sequence: int, most: int) -> list[Step]:
        """The first `most` steps after that one, in order."""
        return list(self._rows.filter(sequence__gt=sequence).order_by("sequence")[:most])

    @property
    def _rows(self) -> QuerySet[Step]:
        return self.run.steps.defer("replay", "content", "html", "tool_input", "tool_output")


@dataclass(frozen=True, slots=True)
class StepList:
    """The steps of a run, or those that pass a filter."""

    run: Run
    only: StepFilter | None = None

    @property
    def rows(self) -> QuerySet[Step]:
        """All of them, without the engine's private data."""
        rows = self.run.steps.defer("replay")
        return rows if self.only is None else rows.filter(self.only.condition)

    @property
    def beside(self) -> StepsBeside | None:
        """The steps beside a window; None with a filter, which may leave out a part of a turn."""
        return StepsBeside(self.run) if self.only is None else None

    def first(self) -> StepWindow:
        """What a page shows without a choice: the beginning of a finished run, whose answer is above its steps, and the
        end of one that goes on."""
        return self.after(0) if self.run.is_finished else self.before(self.run.last_sequence + 1)

    def before(self, sequence: int) -> StepWindow:
        """The last ones before a sequence."""
        found = list(self.rows.filter(sequence__lt=sequence).order_by("-sequence")[: WINDOW_STEPS + 1])
        return self._window(found[:WINDOW_STEPS][::-1], has_older=len(found) > WINDOW_STEPS)

    def after(self, sequence: int) -> StepWindow:
        """The first ones after a sequence."""
        found = list(self.rows.filter(sequence__gt=sequence).order_by("sequence")[: WINDOW_STEPS + 1])
        return self._window(found[:WINDOW_STEPS], has_newer=len(found) > WINDOW_STEPS)

    def around(self, sequence: int) -> StepWindow:
        """Those around a sequence, half of them before it."""
        return self.before(min(sequence + WINDOW_STEPS // 2, self.run.last_sequence + 1))

    def _window(self, steps: list[Step], *, has_older: bool = False, has_newer: bool = False) -> StepWindow:
        """What was not read is looked up; without a filter the sequences, which have no gaps, tell."""
        if not steps:
            return StepWindow([])
        first, last = steps[0].sequence, steps[-1].sequence
        if self.only is None:
            has_older, has_newer = first > 1, last < self.run.last_sequence
        else:
            has_older = has_older or self.rows.filter(sequence__lt=first).exists()
            has_newer = has_newer or self.rows.filter(sequence__gt=last).exists()
        return StepWindow(steps, before=first if has_older else 0, after=last if has_newer else 0)
