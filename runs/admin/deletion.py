"""Deleting in the admin, and the reasons why an account is kept."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.live.rendering.formatting import counted_text

if TYPE_CHECKING:
    _AnyModelAdmin = admin.ModelAdmin[Any]
else:  # generic for the type checker only
    _AnyModelAdmin = admin.ModelAdmin

Deletion = tuple[list[Any], dict[str, int], set[str], list[str]]
"""Objects Django's admin would delete, their counts, missing permissions, and protected objects."""
SWITCH_OFF: Final = gettext_lazy("Switch the account off instead: take the tick from “Active”.")
MOST_NAMED: Final = 20


class DeletesWithReason(_AnyModelAdmin):
    """Explains in words why objects cannot be deleted, on their page and for a selection."""

    delete_confirmation_template = "admin/runs/delete.html"
    delete_selected_confirmation_template = "admin/runs/delete_selected.html"


def reasons_kept(people: Iterable[User]) -> Iterable[str]:
    """Reasons why these accounts are kept, one line for each of the first `MOST_NAMED`."""
    ids = [person.pk for person in people]
    found = User.objects.filter(pk__in=ids).order_by("username")
    counts = found.annotate(
        launched=Count("runs", distinct=True),
        decided=Count("toolcall", distinct=True) + Count("answers", distinct=True),
    ).filter(Q(launched__gt=0) | Q(decided__gt=0))
    for person in counts[:MOST_NAMED]:
        runs = ngettext("%(n)s run of theirs", "%(n)s runs of theirs", person.launched)
        decisions = ngettext("%(n)s decision they took", "%(n)s decisions they took", person.decided)
        counted = ((runs, person.launched), (decisions, person.decided))
        reasons = [words % {"n": counted_text(number)} for words, number in counted if number]
        both = gettext("%(one)s and %(other)s") % {"one": reasons[0], "other": reasons[-1]}
        told = {"name": person.get_username(), "reasons": both if len(reasons) > 1 else reasons[0]}
        yield f"{gettext('%(name)s: %(reasons)s would lose their name, and are kept.') % told} {SWITCH_OFF}"
    if (more := counts.count() - MOST_NAMED) > 0:
        words = ngettext("The same holds for %(n)s more account.", "The same holds for %(n)s more accounts.", more)
        yield words % {"n": counted_text(more)}
