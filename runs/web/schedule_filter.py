"""The filter of the list of runs by the schedule that launched them."""

from typing import Any
from uuid import UUID

from django.http import QueryDict

from runs.models import Schedule
from runs.web.access import id_in


def schedule_values(asked: QueryDict, user: Any) -> list[str]:
    """The values among those asked for that are schedules which the user may see."""
    values = asked.getlist("schedule")[:50]
    ids = {value: pk for value in values if (pk := id_in(value)) is not None}
    if not ids:
        return []
    seen = set(Schedule.objects.visible_to(user).filter(pk__in=ids.values()).values_list("pk", flat=True))
    return [value for value, pk in ids.items() if pk in seen]


def schedule_choices(chosen: list[str]) -> list[tuple[str, str]]:
    """The chosen schedules with their names."""
    names = Schedule.objects.in_bulk([UUID(value) for value in chosen])
    return [(value, names[UUID(value)].name) for value in chosen if UUID(value) in names]
