"""Endpoints of alert rules: list, make, change, delete, mute, acknowledge; the history of one, and of all.

Whatever changes one takes the scope `read` too: its figures are those that the scope reads.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.alert_schemas import (
    AlertEventOut,
    AlertEventPage,
    AlertMute,
    AlertRuleChange,
    AlertRuleList,
    AlertRuleOut,
    NewAlertRule,
    alert_event_as_json,
    rule_as_json,
)
from runs.api.auth import caller_of, caller_that_reads, may_launch, may_read
from runs.api.cursors import LONGEST_NAME_CURSOR, name_cursor, name_place_of
from runs.api.errors import ApiError, forbidden, invalid, invalid_fields, not_found
from runs.api.pagination import page_of
from runs.api.request_schemas import Text
from runs.api.serializers import answer
from runs.engine.alert_rules import rule_storage
from runs.engine.alert_rules.rule_storage import AlertRuleRefused, AlertRuleValues
from runs.models import Agent, AlertEvent, AlertRule, Schedule

T = TypeVar("T")
router = Router(tags=["Alerts"])

PAGE_LENGTH, LONGEST_PAGE = 50, 100
_NAMES: Final = {"is_for_all": "for_all", "is_active": "active", "schedule": "schedule_id"}
"""The fields of the API, by those of a rule where they differ."""
_PLAIN: Final = ("name", "metric", "window_s", "least_runs", "margin_percent", "recovery_count", "time_zone")
_EXAMPLE: Final = '{"name": "Many runs fail", "metric": "failure_rate", "warning_at": 10, "alert_at": 25}'


class AlertQuery(Schema):
    """Query parameters of a history."""

    cursor: Annotated[Text, Field(max_length=LONGEST_NAME_CURSOR, description="The `next` of an earlier page.")] = ""
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE_LENGTH


@router.get("/alert-rules", auth=may_read, response=AlertRuleList, operation_id="list_alert_rules")
def list_alert_rules(request: HttpRequest) -> HttpResponse:
    """List your alert rules, and those about everybody's runs if you may see them, by name."""
    return answer({"items": [rule_as_json(each) for each in _visible(request).order_by("name", "pk")]})


@router.post(
    "/alert-rules",
    auth=may_launch,
    response={201: AlertRuleOut},
    operation_id="create_alert_rule",
    openapi_extra={"x-example": _EXAMPLE},
)
def create_alert_rule(request: HttpRequest, body: NewAlertRule) -> HttpResponse:
    """Make an alert rule. The next evaluation finds its level. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    values = _values_of(body.dict(), {})
    rule = _mapped(lambda: rule_storage.create_rule(AlertRuleValues(**values), user=caller.user, by=caller.user))
    return answer(rule_as_json(rule), 201, Location=f"/api/v1/alert-rules/{rule.pk}")


@router.get("/alert-rules/{uuid:rule_id}", auth=may_read, response=AlertRuleOut, operation_id="get_alert_rule")
def get_alert_rule(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Get one alert rule, with where it stands."""
    return answer(rule_as_json(_found(request, rule_id)))


@router.patch(
    "/alert-rules/{uuid:rule_id}",
    auth=may_launch,
    response=AlertRuleOut,
    operation_id="change_alert_rule",
    openapi_extra={"x-example": '{"alert_at": 30}'},
)
def change_alert_rule(request: HttpRequest, rule_id: UUID, body: AlertRuleChange) -> HttpResponse:
    """Change what is sent of your own alert rule. Takes the scope `read` too."""
    caller, rule = caller_that_reads(request), _found(request, rule_id)
    values = _values_of(body.dict(exclude_unset=True), _values_now(rule))
    return answer(
        rule_as_json(_mapped(lambda: rule_storage.change_rule(rule_id, AlertRuleValues(**values), by=caller.user)))
    )


@router.delete("/alert-rules/{uuid:rule_id}", auth=may_launch, response={204: None}, operation_id="delete_alert_rule")
def delete_alert_rule(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Delete your own alert rule with its history. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    _mapped(lambda: rule_storage.delete_rule(rule_id, by=caller.user))
    return HttpResponse(status=204)


@router.post(
    "/alert-rules/{uuid:rule_id}/mute",
    auth=may_launch,
    response=AlertRuleOut,
    operation_id="mute_alert_rule",
    openapi_extra={"x-example": '{"until": "2030-01-31T18:00:00Z", "note": "The shop moves."}'},
)
def mute_alert_rule(request: HttpRequest, rule_id: UUID, body: AlertMute) -> HttpResponse:
    """Tell nobody of the rule until a time in the next 30 days. Its history goes on. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    return answer(
        rule_as_json(_mapped(lambda: rule_storage.mute_rule(rule_id, body.until, by=caller.user, note=body.note)))
    )


@router.post(
    "/alert-rules/{uuid:rule_id}/unmute", auth=may_launch, response=AlertRuleOut, operation_id="unmute_alert_rule"
)
def unmute_alert_rule(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Tell people of the rule again. Takes the scope `read` too."""
    caller = caller_that_reads(request)
    return answer(rule_as_json(_mapped(lambda: rule_storage.unmute_rule(rule_id, by=caller.user))))


@router.post(
    "/alert-rules/{uuid:rule_id}/acknowledge",
    auth=may_launch,
    response=AlertEventOut,
    operation_id="acknowledge_alert",
    openapi_extra={"x-errors": [409]},
)
def acknowledge_alert(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Note that you have seen that the rule is raised; the first one stays noted. 409 if it is not. Takes the scope
    `read` too."""
    caller = caller_that_reads(request)
    _found(request, rule_id)
    try:
        return answer(alert_event_as_json(rule_storage.acknowledge(rule_id, by=caller.user)))
    except AlertRuleRefused as refused:
        raise ApiError(409, "conflict", str(refused)) from refused
    except AlertRule.DoesNotExist as gone:
        raise not_found("alert rule") from gone


@router.get(
    "/alert-rules/{uuid:rule_id}/events", auth=may_read, response=AlertEventPage, operation_id="list_alert_rule_events"
)
def list_alert_rule_events(request: HttpRequest, rule_id: UUID, asked: Query[AlertQuery]) -> HttpResponse:
    """List the changes of a rule's level, the latest first."""
    return _events(AlertEvent.objects.filter(rule=_found(request, rule_id)), asked)


@router.get("/alerts", auth=may_read, response=AlertEventPage, operation_id="list_alerts")
def list_alerts(request: HttpRequest, asked: Query[AlertQuery]) -> HttpResponse:
    """List the changes of the levels of all rules that you may see, the latest first."""
    return _events(AlertEvent.objects.filter(rule__in=_visible(request).values("pk")), asked)


def _events(events: Any, asked: AlertQuery) -> HttpResponse:
    if asked.cursor:
        events = events.filter(pk__lt=name_place_of(asked.cursor)[1])
    page = page_of(events.select_related("acknowledged_by").order_by("-pk"), alert_event_as_json, limit=asked.limit)
    return page.response(next=name_cursor("", page.last.pk) if page.has_more else None)


def _visible(request: HttpRequest) -> Any:
    return AlertRule.objects.visible_to(caller_of(request).user).select_related("agent", "user")


def _found(request: HttpRequest, rule_id: UUID) -> AlertRule:
    rule: AlertRule | None = _visible(request).filter(pk=rule_id).first()
    if rule is None:
        raise not_found("alert rule")
    return rule


def _values_now(rule: AlertRule) -> JsonObject:
    names = (*_PLAIN, "agent", "label", "schedule", "is_for_all", "is_active", "warning_at", "alert_at")
    return {name: getattr(rule, name) for name in names}


def _values_of(sent: JsonObject, before: JsonObject) -> JsonObject:
    """The values that are sent, in place of those before."""
    values = before | {name: sent[name] for name in _PLAIN if sent.get(name) is not None}
    values |= {name: sent[named] for name, named in _NAMES.items() if sent.get(named) is not None}
    if sent.get("alert_at") is not None:
        values["alert_at"] = Decimal(str(sent["alert_at"]))
    if "warning_at" in sent:
        values["warning_at"] = None if sent["warning_at"] is None else Decimal(str(sent["warning_at"]))
    if "agent" in sent:
        values["agent"] = None if sent["agent"] is None else _agent_named(sent["agent"])
        if values["agent"] != before.get("agent"):
            values["label"] = ""
    if "label" in sent:
        values["label"] = sent["label"] or ""
    if "schedule_id" in sent:
        values["schedule"] = None if sent["schedule_id"] is None else _schedule(sent["schedule_id"])
    return values


def _agent_named(name: str) -> Agent:
    agent = Agent.objects.in_use().filter(name=name).first()
    if agent is None:
        raise invalid(f"agent: There is no agent {name!r}.")
    return agent


def _schedule(schedule_id: UUID) -> Schedule:
    """The schedule; whether the rule may be over it is decided where it is stored."""
    schedule = Schedule.objects.filter(pk=schedule_id).first()
    if schedule is None:
        words = "There is no such schedule, or it is not yours."
        raise invalid(f"schedule_id: {words}", fields={"schedule_id": words})
    return schedule


def _mapped(work: Callable[[], T]) -> T:
    """What `work` returns. Raises `ApiError` for what it refuses."""
    try:
        return work()
    except AlertRuleRefused as refused:
        raise invalid_fields(refused.faults, _NAMES) from refused
    except PermissionDenied as refused:
        raise forbidden(str(refused)) from refused
    except AlertRule.DoesNotExist as gone:
        raise not_found("alert rule") from gone
