"""The filter of the list of runs by their place in a tree."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext, gettext_lazy

from runs.web.access import id_in

PLACES: Final = {"first": gettext_lazy("No child runs"), "child": gettext_lazy("Child runs")}
"""The values of the filter, beside the ids of trees, which are those of their first runs."""


def tree_values(asked: Sequence[str]) -> list[str]:
    """The valid values among those asked for, and those that could have been."""
    return [*PLACES, *(value for value in asked if value not in PLACES and id_in(value) is not None)]


def tree_choices(chosen: Sequence[str]) -> list[tuple[str, str]]:
    """The values with their labels. A tree can only be chosen by a link to its runs."""
    trees = [(value, gettext("Tree %(id)s") % {"id": value[:8]}) for value in chosen if value not in PLACES]
    return [*((value, str(label)) for value, label in PLACES.items()), *trees]


def in_trees(chosen: Sequence[str]) -> Q:
    """The runs with one of the chosen places."""
    ids = [value for value in chosen if value not in PLACES]
    found = Q(root__in=ids) | Q(pk__in=ids)
    if "first" in chosen:
        found |= Q(root__isnull=True)
    return found | Q(root__isnull=False) if "child" in chosen else found
