"""The page of something that has a log: a part of the log, latest first, and what was done, in a toast."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect

from runs.web.access import PageRequest

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class LogPage(Generic[Row]):
    """Rows of a log, latest first."""

    rows: list[Row]
    older: int | None
    """The number for `?before=` of the next page; None on the last one."""
    is_first: bool


class Named(Protocol):
    """Something with a name and a page."""

    name: str

    def get_absolute_url(self) -> str: ...


def log_page(request: PageRequest, rows: QuerySet[Row], *, length: int) -> LogPage[Row]:
    """Up to `length` rows in the order of their numbers, latest first: those before `?before=`, if it is a number."""
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: length + 1])
    return LogPage(found[:length], found[length - 1].pk if len(found) > length else None, not before)


def show_done(request: PageRequest, thing: Named, words: str) -> HttpResponse:
    """The page of `thing`, with `words` about it in a toast: they have a place `%(name)s`."""
    messages.info(request, words % {"name": thing.name})
    return redirect(thing.get_absolute_url())
