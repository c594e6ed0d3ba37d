"""Endpoints of schedules: list, get, create, change, delete, pause, resume, run now, and the history."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of, may_launch, may_read, run_told_to
from runs.api.cursors import LONGEST_NAME_CURSOR, cursor_at, name_cursor, name_place_of, place_of
from runs.api.errors import ApiError, forbidden, invalid, not_found
from runs.api.launches import find_agent, find_template, map_launch_errors
from runs.api.pagination import page_of
from runs.api.response_schemas import RunOut
from runs.api.schedule_schemas import (
    NewSchedule,
    ScheduleChange,
    ScheduleOut,
    SchedulePage,
    SchedulePause,
    TickPage,
    schedule_as_json,
    tick_as_json,
)
from runs.api.serializers import answer
from runs.engine import schedules
from runs.engine.schedules import ScheduleInvalid, ScheduleRefused, ScheduleValues, save_schedule
from runs.models import Schedule
from runs.models.permissions import may_change_schedule, refusal_of_schedule

T = TypeVar("T")
router = Router(tags=["Schedules"])
PAGE_LENGTH, LONGEST_PAGE = 50, 100
_EXAMPLE = '{"name": "Report", "when": "every weekday at 9:00", "agent": "Assistant", "task": "What is 17 * 23?"}'
_PLAIN = (
    *("name", "when", "time_zone", "jitter_s", "overlap", "catch_up", "most_caught_up", "ends_at", "max_runs"),
    "stop_after",
)
_NULLABLE = ("ends_at", "max_runs", "stop_after")


class ScheduleQuery(Schema):
    """Query parameters of the list of schedules."""

    cursor: Annotated[str, Field(max_length=200, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


class TickQuery(Schema):
    """Query parameters of a history."""

    cursor: Annotated[str, Field(max_length=LONGEST_NAME_CURSOR, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/schedules", auth=may_read, response=SchedulePage, operation_id="list_schedules")
def list_schedules(request: HttpRequest, asked: Query[ScheduleQuery]) -> HttpResponse:
    """List the schedules that you may see, newest first."""
    found = _visible(request).order_by("-created_at", "-pk")
    if asked.cursor:
        moment, schedule_id = place_of(asked.cursor)
        found = found.filter(created_at__lte=moment).exclude(created_at=moment, pk__gte=schedule_id)
    page = page_of(found, schedule_as_json, limit=asked.limit)
    return page.response(next=cursor_at(page.last.created_at, page.last.pk) if page.has_more else None)


@router.post(
    "/schedules",
    auth=may_launch,
    response={201: ScheduleOut},
    operation_id="create_schedule",
    openapi_extra={"x-example": _EXAMPLE},
)
def create_schedule(request: HttpRequest, body: NewSchedule) -> HttpResponse:
    """Create a schedule. Its runs are yours."""
    schedule = _saved(request, None, _values_of(body.dict()))
    return answer(schedule_as_json(schedule), 201, Location=f"/api/v1/schedules/{schedule.pk}")


@router.get("/schedules/{uuid:schedule_id}", auth=may_read, response=ScheduleOut, operation_id="get_schedule")
def get_schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Get one schedule."""
    return answer(schedule_as_json(_found(request, schedule_id)))


@router.patch(
    "/schedules/{uuid:schedule_id}",
    auth=may_launch,
    response=ScheduleOut,
    operation_id="change_schedule",
    openapi_extra={"x-example": '{"when": "every weekday at 10:00"}'},
)
def change_schedule(request: HttpRequest, schedule_id: UUID, body: ScheduleChange) -> HttpResponse:
    """Change what is sent of your own schedule. Its next times are those after the change."""
    schedule = _found(request, schedule_id)
    if not may_change_schedule(caller_of(request).user, schedule):
        raise forbidden(refusal_of_schedule())
    sent = body.dict(exclude_unset=True)
    changes = {name: value for name, value in sent.items() if value is not None or name in _NULLABLE}
    return answer(schedule_as_json(_saved(request, schedule, _values_of(changes, schedule))))


@router.delete("/schedules/{uuid:schedule_id}", auth=may_launch, response={204: None}, operation_id="delete_schedule")
def delete_schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Delete a schedule with its history. Its runs stay."""
    _found(request, schedule_id)
    schedules.delete_schedule(schedule_id, by=caller_of(request).user)
    return HttpResponse(status=204)


@router.post(
    "/schedules/{uuid:schedule_id}/pause",
    auth=may_launch,
    response=ScheduleOut,
    operation_id="pause_schedule",
    openapi_extra={"x-example": '{"note": "The shop is closed."}', "x-errors": [409]},
)
def pause_schedule(request: HttpRequest, schedule_id: UUID, body: SchedulePause) -> HttpResponse:
    """Let a schedule launch nothing until it is resumed. Its runs at work go on."""
    user = caller_of(request).user
    return _changed(request, schedule_id, lambda: schedules.pause_schedule(schedule_id, by=user, note=body.note))


@router.post(
    "/schedules/{uuid:schedule_id}/resume",
    auth=may_launch,
    response=ScheduleOut,
    operation_id="resume_schedule",
    openapi_extra={"x-errors": [409]},
)
def resume_schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Let a schedule launch runs again, from now on."""
    user = caller_of(request).user
    return _changed(request, schedule_id, lambda: schedules.resume_schedule(schedule_id, by=user))


@router.post(
    "/schedules/{uuid:schedule_id}/run",
    auth=may_launch,
    response={201: RunOut},
    operation_id="run_schedule",
    openapi_extra={"x-errors": [409]},
)
def run_schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Launch a run of the schedule at once, beside those of the clock. It is its owner's."""
    _found(request, schedule_id)
    user = caller_of(request).user
    run = map_launch_errors(lambda: _mapped(lambda: schedules.run_now(schedule_id, by=user)))
    return answer(run_told_to(caller_of(request), run), 201, Location=f"/api/v1/runs/{run.pk}")


@router.get("/schedules/{uuid:schedule_id}/ticks", auth=may_read, response=TickPage, operation_id="list_schedule_ticks")
def list_schedule_ticks(request: HttpRequest, schedule_id: UUID, asked: Query[TickQuery]) -> HttpResponse:
    """List what became of the times of a schedule, newest first."""
    ticks = _found(request, schedule_id).ticks.order_by("-pk")
    if asked.cursor:
        ticks = ticks.filter(pk__lt=name_place_of(asked.cursor)[1])
    page = page_of(ticks, tick_as_json, limit=asked.limit)
    return page.response(next=name_cursor("", page.last.pk) if page.has_more else None)


def _visible(request: HttpRequest) -> Any:
    return Schedule.objects.visible_to(caller_of(request).user).select_related("agent", "user", "template__agent")


def _found(request: HttpRequest, schedule_id: UUID) -> Schedule:
    schedule: Schedule | None = _visible(request).filter(pk=schedule_id).first()
    if schedule is None:
        raise not_found("schedule")
    return schedule


def _changed(request: HttpRequest, schedule_id: UUID, work: Callable[[], object]) -> HttpResponse:
    _found(request, schedule_id)
    _mapped(work)
    return answer(schedule_as_json(_found(request, schedule_id)))


def _mapped(work: Callable[[], T]) -> T:
    try:
        return work()
    except ScheduleRefused as refused:
        raise ApiError(409, "schedule_has_ended", str(refused)) from refused
    except schedules.LaunchImpossible as refused:
        raise ApiError(409, "schedule_cannot_launch", str(refused), action="Change the schedule.") from refused
    except Schedule.DoesNotExist as gone:
        raise not_found("schedule") from gone


def _values_of(sent: JsonObject, schedule: Schedule | None = None) -> JsonObject:
    """The values that are sent, in place of those of `schedule`."""
    values: JsonObject = {name: getattr(schedule, name) for name in _PLAIN} if schedule is not None else {}
    values |= {name: sent[name] for name in _PLAIN if name in sent}
    if schedule is not None:
        values |= {"agent": schedule.agent, "version": schedule.version, "task": schedule.task}
        values |= {"template": schedule.template, "inputs": schedule.inputs or {}}
    if sent.get("agent") is not None:
        values["agent"], values["version"] = find_agent(sent["agent"])
    if sent.get("task") is not None and sent.get("template") is not None:
        raise invalid("template: A schedule has a task, or a template.")
    if sent.get("task") is not None:
        values |= {"task": sent["task"], "template": None, "inputs": {}}
    if sent.get("template") is not None:
        template, version = find_template(sent["template"])
        values |= {"template": template, "version": version, "task": ""}
    if sent.get("inputs"):
        if values.get("template") is None:
            raise invalid("inputs: They are those of a template, which is not named.")
        values["inputs"] = sent["inputs"]
    if sent.get("label"):
        values["version"] = sent["label"]
    return values


def _saved(request: HttpRequest, schedule: Schedule | None, values: JsonObject) -> Schedule:
    try:
        return save_schedule(schedule, ScheduleValues(**values), by=caller_of(request).user)
    except ScheduleInvalid as refused:
        faults = refused.faults
        fields = {name: str(words) for name, words in faults.by_field.items()}
        fields |= {f"inputs.{name}": str(words) for name, words in faults.by_input.items()}
        raise invalid(str(refused), fields=fields) from refused
    except Schedule.DoesNotExist as gone:
        raise not_found("schedule") from gone
