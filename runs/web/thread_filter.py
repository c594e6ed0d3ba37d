"""The address of the list of threads: which of them, in which order, with which words."""

from dataclasses import dataclass
from typing import Any, Final, Self, cast
from urllib.parse import urlencode

from django.db.models import BigIntegerField, F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Lower
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from runs.models import Run
from runs.models.run_queries import RunQuerySet
from runs.models.thread_queries import Show, newest_of_threads, with_titles
from runs.web.run_sorts import NEWEST, SORTS, Cursor, RunSort

MAX_WORDS: Final = 500
MICROS: Final = 10**8
"""Of a dollar: costs have eight decimals. Whole numbers are the same in every query, and so have one place."""
MOST_MICROS: Final = 2**62


def _micros(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) < MOST_MICROS else None


def _title(text: str) -> str:
    return text.replace("\x00", "")


THREAD_SORTS: Final = {
    sort.name: sort
    for sort in (
        NEWEST,
        SORTS["started"],
        RunSort("title", "sort_title", _title),
        RunSort("-title", "sort_title", _title),
        RunSort("-cost", "thread_cost", _micros),
        RunSort("cost", "thread_cost", _micros),
    )
}
SHOWN: Final[dict[Show, Promise]] = {
    "": gettext_lazy("All"),
    "starred": gettext_lazy("Starred"),
    "archived": gettext_lazy("Archived"),
}


@dataclass(frozen=True, slots=True)
class ShowTab:
    """One of the tabs above the list."""

    title: Promise
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ThreadFilter:
    """What a list of threads was asked for. Values that mean nothing count as absent."""

    user: Any
    show: Show = ""
    words: str = ""
    sort: RunSort = NEWEST
    before: Cursor | None = None

    @classmethod
    def of(cls, asked: QueryDict, *, user: Any) -> Self:
        """That of an address."""
        show, sort = asked.get("show", ""), THREAD_SORTS.get(asked.get("sort", ""), NEWEST)
        words = asked.get("q", "").replace("\x00", "").strip()[:MAX_WORDS]
        before = asked.get("before", "")
        shown: Show = show if show in SHOWN else ""
        return cls(user, shown, words, sort, sort.cursor_in(before) if before else None)

    @property
    def is_plain(self) -> bool:
        """True for the first page of all threads."""
        return not (self.show or self.words or self.before)

    @property
    def query(self) -> str:
        """As the query of an address, without a page."""
        return self.query_with()

    def query_with(self, **others: str) -> str:
        """The same with other values."""
        sort = "" if self.sort is NEWEST else self.sort.name
        parts = {"show": self.show, "q": self.words, "sort": sort} | others
        return urlencode({name: value for name, value in parts.items() if value})

    @property
    def tabs(self) -> list[ShowTab]:
        """All, starred, archived."""
        return [ShowTab(title, self.query_with(show=show), show == self.show) for show, title in SHOWN.items()]

    @property
    def heads(self) -> dict[str, tuple[str, str]]:
        """For each sortable column the query that its head leads to, and its `aria-sort`."""
        found = {}
        for name, first in (("title", "title"), ("started", "-started"), ("cost", "-cost")):
            current = {f"-{name}": "descending", name: "ascending"}.get(self.sort.name, "")
            other = name if first.startswith("-") else f"-{name}"
            wanted = other if self.sort.name == first else first
            found[name] = (self.query_with(sort="" if wanted == NEWEST.name else wanted), current)
        return found

    def threads(self) -> RunQuerySet:
        """The newest runs of the threads, in the order, with `place`; from the cursor on."""
        newest = newest_of_threads(self.user, self.show)
        if self.sort.key == "sort_title":
            newest = with_titles(self.user, newest).alias(sort_title=Lower("title"))
        elif self.sort.key == "thread_cost":
            newest = newest.alias(thread_cost=_cost_of_thread(self.user))
        ordered = cast("RunQuerySet", self.sort.apply(newest))
        return ordered if self.before is None else cast("RunQuerySet", self.sort.after(ordered, self.before))


def _cost_of_thread(user: Any) -> Any:
    """What is known of the cost of a run's thread, in `MICROS` of a dollar."""
    seen = Run.objects.visible_to(user).order_by()
    follow_ups = seen.filter(thread=OuterRef("thread")).values("thread").annotate(sum=Sum("cost"))
    first = seen.filter(pk=OuterRef("thread"), thread=None)
    parts = [Subquery(follow_ups.values(micros=_as_micros("sum"))), Subquery(first.values(micros=_as_micros("cost")))]
    zero = Value(0, output_field=BigIntegerField())
    return Coalesce(parts[0], zero) + Coalesce(parts[1], zero)


def _as_micros(column: str) -> Any:
    return Cast(F(column) * MICROS, BigIntegerField())
