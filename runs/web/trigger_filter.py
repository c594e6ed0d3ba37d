"""The filter of the list of runs by the trigger that launched them."""

from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict

from runs.models import Trigger
from runs.models.permissions import may_see_all
from runs.web.access import id_in

MOST_IDS: Final = 50


def trigger_values(asked: QueryDict, user: Any) -> list[str]:
    """The values among those asked for that are triggers whose runs the user may see."""
    ids = {value: pk for value in asked.getlist("trigger")[:MOST_IDS] if (pk := id_in(value)) is not None}
    if not ids:
        return []
    seen = set(_seen_by(user).filter(pk__in=ids.values()).values_list("pk", flat=True))
    return [value for value, pk in ids.items() if pk in seen]


def trigger_choices(chosen: list[str]) -> list[tuple[str, str]]:
    """The chosen triggers with their names."""
    names = Trigger.objects.in_bulk([UUID(value) for value in chosen])
    return [(value, names[UUID(value)].name) for value in chosen if UUID(value) in names]


def _seen_by(user: Any) -> QuerySet[Trigger]:
    return Trigger.objects.all() if may_see_all(user) else Trigger.objects.filter(user=user.pk)
