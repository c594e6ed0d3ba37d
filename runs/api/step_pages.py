"""The steps of a run in pages, so that a long run is never in memory whole."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import F, TextField
from django.db.models.functions import Cast, Coalesce, Length

from runs.models import Run
from runs.models.as_json import StepJson, step_as_json

PAGE_STEPS: Final = 100
PAGE_CHARS: Final = 32 * 1024
"""Maximum of texts and JSON in a page. A single step may exceed it."""

_LONG = ("content", "tool_input", "tool_output", "metadata")


class RunDeleted(Exception):
    """The steps of the run were deleted while they were read."""


def steps_of(run: Run) -> Iterator[StepJson]:
    """The steps counted in the run's row, as the API shows them. Raises `RunDeleted` if they are deleted meanwhile.

    Between two pages it holds no database resource: each page may be read in another thread.
    """
    last, up_to = 0, run.last_sequence
    while last < up_to:
        for step in read_page(run, last, up_to):
            last = step["sequence"]
            yield step


def read_page(run: Run, after: int, up_to: int) -> list[StepJson]:
    """The steps after `after`, as many as fit into a page but at least one. Raises `RunDeleted` if there is none."""
    rows = run.steps.filter(sequence__gt=after, sequence__lte=up_to).order_by("sequence")
    last = _last_that_fits(rows.annotate(size=_size()).values_list("sequence", "size")[:PAGE_STEPS])
    if last is None:
        raise RunDeleted(f"Run {run.pk} was deleted while it was exported.")
    return [step_as_json(step) for step in rows.filter(sequence__lte=last).defer("replay", "html")]


def _last_that_fits(sizes: Any) -> int | None:
    last: int | None = None
    total = 0
    for sequence, size in sizes:
        total += size
        if last is not None and total > PAGE_CHARS:
            break
        last = sequence
    return last


def _size() -> Any:
    """The characters of a step's texts and JSON, counted by the database."""
    sizes = [Coalesce(Length(Cast(F(name), TextField())), 0) for name in _LONG]
    return sum(sizes[1:], sizes[0])
