"""Pages of lists, limited in rows and in bytes: one row may have a mebibyte, and a page a hundred rows."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpResponse

from runs.agent.json_data.json_types import JsonObject
from runs.models import Run
from runs.models.as_json import run_as_json
from runs.models.run_queries import RunQuerySet

MAX_PAGE_BYTES = 1 << 20
"""A page ends after this size; it has at least one row."""
LISTED_CHARS = 2_048
"""Characters of a long text in a list."""
_TEXTS = ("task", "answer")
_READ_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive rows, encoded."""

    items: list[str]
    last: Any
    """The last row; None on an empty page."""
    has_more: bool

    def response(self, **others: Any) -> HttpResponse:
        """`{"items": […], …}`."""
        rest = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in others.items())
        return HttpResponse(f'{{"items": [{", ".join(self.items)}]{rest}}}', content_type="application/json")


def page_of(rows: "QuerySet[Any]", as_json: Callable[[Any], Any], *, limit: int) -> Page:
    """The first rows that fit, at most `limit`."""
    found: Iterable[Any] = rows[: limit + 1].iterator(chunk_size=_READ_AT_ONCE)
    items: list[str] = []
    last, size = None, 0
    for row in found:
        if len(items) == limit or size >= MAX_PAGE_BYTES:
            return Page(items, last, has_more=True)
        items.append(json.dumps(as_json(row)))
        size += len(items[-1])
        last = row
    return Page(items, last, has_more=False)


def listed(runs: RunQuerySet) -> RunQuerySet:
    """The runs with the beginnings of their long texts only, for `run_in_list`."""
    beginnings = {f"listed_{name}": Left(name, LISTED_CHARS + 1) for name in _TEXTS}
    launched_by = [f"parent_call__{name}" for name in ("arguments", "proposed_arguments")]
    return runs.select_related("parent_call").defer(*_TEXTS, "output", *launched_by).annotate(**beginnings)


def run_in_list(run: Run) -> JsonObject:
    """The run in a list: `cut` names the shortened fields, and `whole` is the address of the whole run."""
    cut = []
    for name in _TEXTS:
        beginning = getattr(run, f"listed_{name}")
        if len(beginning) > LISTED_CHARS:
            cut.append(name)
        setattr(run, name, beginning[:LISTED_CHARS])
    if "answer" in cut:
        # `output` is the same answer as data.
        cut.append("output")
        run.output = None
    told = run_as_json(run)
    if told["inputs"] is not None and sum(map(len, told["inputs"].values())) > LISTED_CHARS:
        cut.append("inputs")
        told["inputs"] = None
    return told | {"cut": cut, "whole": f"/api/v1/runs/{run.pk}"}
