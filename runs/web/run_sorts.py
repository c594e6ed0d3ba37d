"""The orders of the list of runs, and the cursors that say where a page begins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from runs.models import Run
from runs.web.access import id_in

NO_COST_FIRST, NO_COST_LAST = Decimal(-1), Decimal(99_999)
"""The place of runs of unknown cost: always at the end."""
LONGEST_MS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last run of the page before: its value in the order, and its id."""

    value: Any
    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunSort:
    """One order of the list. The id decides between equal values, so that every run has one place."""

    name: str
    """As in the address: `-` before it for a falling order."""
    key: str
    """The column."""
    read: Callable[[str], Any]
    """A value from a cursor; None if it is invalid."""
    unknown: Any = None
    """The value of runs without one."""

    @property
    def is_falling(self) -> bool:
        """True if the largest value comes first."""
        return self.name.startswith("-")

    def apply(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        """The runs in this order, with their value as `place`."""
        value = F(self.key) if self.unknown is None else Coalesce(F(self.key), Value(self.unknown))
        sign = "-" if self.is_falling else ""
        # A column is sorted by name, so that the database uses its index.
        first = self.key if self.unknown is None else "place"
        return runs.annotate(place=value).order_by(f"{sign}{first}", f"{sign}id")

    def after(self, runs: QuerySet[Run], cursor: Cursor) -> QuerySet[Run]:
        """The runs behind the cursor, of runs in this order."""
        way = "lt" if self.is_falling else "gt"
        name = self.key if self.unknown is None else "place"
        # The second condition is redundant, but lets the index scan start at the right place.
        return runs.filter(
            Q(**{f"{name}__{way}": cursor.value}) | Q(**{f"pk__{way}": cursor.run_id}),
            **{f"{name}__{way}e": cursor.value},
        )

    def cursor_in(self, text: str) -> Cursor | None:
        """The cursor that `text_of` wrote; None if it is invalid."""
        value_text, _, id_text = text.rpartition("_")
        run_id, value = id_in(id_text), self.read(value_text)
        return None if run_id is None or value is None else Cursor(value, run_id)


def places_of(runs: Any, *columns: str, limit: int) -> list[Any]:
    """The first of the sorted runs, each as id, value in the order, and further columns."""
    return list(runs.values_list("pk", "place", *columns)[:limit])


def text_of(place: Any, run_id: UUID) -> str:
    """A cursor as text, for an address."""
    return f"{place.isoformat() if isinstance(place, datetime) else place}_{run_id}"


def _moment(text: str) -> datetime | None:
    """The time in UTC; None if the text is invalid, or outside the calendar."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _dollars(text: str) -> Decimal | None:
    try:
        cost = Decimal(text)
    except InvalidOperation:
        return None
    return cost if cost.is_finite() and abs(cost) < 10**6 else None


def _milliseconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) < LONGEST_MS else None


NEWEST: Final = RunSort("-started", "created_at", _moment)
SORTS: Final = {
    sort.name: sort
    for sort in (
        NEWEST,
        RunSort("started", "created_at", _moment),
        RunSort("-time", "active_ms", _milliseconds),
        RunSort("time", "active_ms", _milliseconds),
        RunSort("-cost", "cost", _dollars, NO_COST_FIRST),
        RunSort("cost", "cost", _dollars, NO_COST_LAST),
    )
}
