"""Admin lists accept only their own filters, our links, and a search of limited length.

Django accepts any lookup of any column: a regular expression, which blocks the process, or one on a private column.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db import DataError
from django.db.models import BooleanField, Field, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import smart_split
from django.utils.translation import gettext

if TYPE_CHECKING:
    _AnyModelAdmin = admin.ModelAdmin[Any]
else:  # generic for the type checker only
    _AnyModelAdmin = admin.ModelAdmin

MOST_CHARACTERS: Final = 500
"""Maximum characters of a search, or of a list's order."""
MOST_WORDS: Final = 20
"""Maximum words of a search: each is matched with each column, and a database limits the number of conditions."""
MOST_PARAMETERS: Final = 50
"""Maximum parameters of an address: each is a condition."""
_OF_DATES: Final = ("year", "month", "day", "gte", "lt")


class CarefulAdmin(_AnyModelAdmin):
    """Answers foreign and impossible lookups with the whole list and a message."""

    linked_by: tuple[str, ...] = ()
    """Lookups of our own links, beside those of the list's filters."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:  # noqa: ARG002
        """True for lookups of the list's own filters, its dates and our links."""
        return lookup in self._own_lookups(request)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list. Raises `IncorrectLookupParameters`, which the admin answers with the whole list."""
        try:
            _check_size(request)
            return super().get_changelist_instance(request)
        # Django counts the rows outside of its own guard. `OverflowError`: a number too large for SQLite; `ValueError`:
        # a year after 9999; `DataError`: the same on Postgres.
        except (SuspiciousOperation, OverflowError, ValueError, DataError) as error:
            messages.warning(request, gettext("The list cannot be filtered like that, so all of it is shown."))
            raise IncorrectLookupParameters(str(error)) from error

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """The response to an action. A selection with an impossible id counts as none, which the admin answers."""
        if not _can_be_ids(queryset, request.POST.getlist(ACTION_CHECKBOX_NAME)):
            sent: Any = request.POST.copy()
            sent.setlist(ACTION_CHECKBOX_NAME, [])
            request.POST = sent
        return super().response_action(request, queryset, *args, **kwargs)

    def _own_lookups(self, request: HttpRequest | None) -> set[str]:
        filters: Iterable[Any] = self.list_filter if request is None else self.get_list_filter(request)
        of_fields = [each for each in filters if not isinstance(each, type)]
        names: list[str] = [each if isinstance(each, str) else each[0] for each in of_fields]
        own = {str(getattr(each, "parameter_name", "")) for each in filters if isinstance(each, type)}
        own |= {lookup for name in names for lookup in _lookups_of(name, self.opts.get_field(name))}
        dates = {f"{self.date_hierarchy}__{part}" for part in _OF_DATES} if self.date_hierarchy else set()
        return own | dates | set(self.linked_by)


def _can_be_ids(queryset: QuerySet[Any], chosen: list[str]) -> bool:
    try:
        queryset.filter(pk__in=chosen).exists()
    except (ValidationError, OverflowError, ValueError, DataError):
        return False
    return True


def _lookups_of(name: str, field: Any) -> Iterator[str]:
    """The lookups that Django's filter of such a field writes into addresses."""
    yield f"{name}__isnull"
    if field.is_relation:
        yield f"{name}__{field.target_field.name}__exact"
    elif isinstance(field, Field) and (field.choices or isinstance(field, BooleanField)):
        yield f"{name}__exact"
    else:
        yield name


def _check_size(request: HttpRequest) -> None:
    words, order = request.GET.get(SEARCH_VAR, ""), request.GET.get(ORDER_VAR, "")
    if max(len(words), len(order)) > MOST_CHARACTERS or len(list(smart_split(words))) > MOST_WORDS:
        raise ValueError(f"A search has at most {MOST_WORDS} words.")
    if sum(len(values) for _name, values in request.GET.lists()) > MOST_PARAMETERS:
        raise ValueError("An address has that many filters at most.")
