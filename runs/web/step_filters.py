"""The steps of a run that somebody looks for: errors, retries, questions to people, notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy

from runs.models import Run, Step
from runs.models.step import FAILED_RESULTS, QUESTIONS


@dataclass(frozen=True, slots=True)
class StepFilter:
    """A filter of steps; a chip on the page shows and counts what passes it."""

    name: str
    """In addresses."""
    label: Any
    condition: Q
    selector: str
    """The cards of the steps that pass, as a CSS selector: an open page counts those that arrive."""


FILTERS: Final = {
    each.name: each
    for each in (
        StepFilter(
            "errors",
            gettext_lazy("Errors"),
            Q(kind=Step.Kind.ERROR) | FAILED_RESULTS,
            '[data-step-kind="error"], [data-step-kind="tool_result"]:is([data-state=failed], [data-state=unknown])',
        ),
        StepFilter("retries", gettext_lazy("Retries"), Q(kind=Step.Kind.RETRY), '[data-step-kind="retry"]'),
        # A question and its answer are two steps: one approval.
        StepFilter(
            "approvals",
            gettext_lazy("Approvals"),
            QUESTIONS,
            '[data-step-kind="approval"][data-asks]',
        ),
        StepFilter("notes", gettext_lazy("Notes"), Q(kind=Step.Kind.NOTE), '[data-step-kind="note"]'),
    )
}


@dataclass(frozen=True, slots=True)
class StepFilterChip:
    """A filter with the number of steps that pass it."""

    filter: StepFilter
    count: int
    is_chosen: bool


def filter_named(name: str | None) -> StepFilter | None:
    """The filter of that name; None for no filter."""
    return FILTERS.get(name or "")


def chip_to_walk(chips: list[StepFilterChip]) -> StepFilterChip:
    """The chip whose steps the arrows walk: the chosen one, else the first that has any."""
    chosen = next((chip for chip in chips if chip.is_chosen), None)
    return chosen or next((chip for chip in chips if chip.count), chips[0])


def chips_of(run: Run, chosen: StepFilter | None) -> list[StepFilterChip]:
    """Every filter with its count, in one query."""
    counted = {name: Count("pk", filter=each.condition) for name, each in FILTERS.items()}
    counts: Mapping[str, int] = run.steps.aggregate(**counted)
    return [StepFilterChip(each, counts[name], each is chosen) for name, each in FILTERS.items()]


def next_match(run: Run, chosen: StepFilter, *, after: int = 0, before: int = 0) -> int | None:
    """The sequence of the next step after `after` that passes, or of the last one before `before`; from the other end
    if there is none there. None if no step passes."""
    found = run.steps.filter(chosen.condition).order_by("-sequence" if before else "sequence")
    sequences = found.values_list("sequence", flat=True)
    rest = sequences.filter(sequence__lt=before) if before else sequences.filter(sequence__gt=after)
    return rest.first() or sequences.first()
