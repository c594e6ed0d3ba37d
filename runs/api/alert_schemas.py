"""Request and response schemas of alert rules."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.request_schemas import StrictSchema, Text
from runs.api.response_schemas import Sent
from runs.api.schedule_schemas import SCHEDULE_ID
from runs.models import AlertEvent, AlertRule
from runs.models.agent_label import MAX_AGENT_CHARS, MAX_LABEL_CHARS
from runs.models.alert import (
    MAX_MUTE_NOTE_CHARS,
    MAX_RULE_NAME_CHARS,
    MOST_LEAST_RUNS,
    MOST_MARGIN_PERCENT,
    MOST_RECOVERY_COUNT,
)
from runs.models.as_json import as_utc

RULE_ID: Final = "c1f6a1de-6f43-4b0e-a0b7-3d4e5f607182"
_Metric = Literal["failure_rate", "cost", "p95_duration", "waiting", "spend_today"]
_Level = Literal["no_data", "ok", "warning", "alert"]
_Window = Annotated[
    Literal[300, 900, 3600, 21600, 86400, 604800, 2592000],
    Field(description="Seconds. Not used by `waiting` and `spend_today`."),
]
_Name = Annotated[Text, Field(min_length=1, max_length=MAX_RULE_NAME_CHARS)]
_Threshold = Annotated[
    float, Field(gt=0, le=1_000_000_000, description="Percent, US dollars or seconds.", examples=[25])
]
_Agent = Annotated[Text | None, Field(max_length=MAX_AGENT_CHARS, description="The name of an agent; null for all.")]
_Label = Annotated[
    Text | None,
    Field(
        max_length=MAX_LABEL_CHARS,
        description="A label of the agent: only runs of the version that it points at. Null for all versions.",
        examples=["production"],
    ),
]
_ScheduleId = Annotated[
    UUID | None, Field(description="Only runs of this schedule; null for all.", examples=[SCHEDULE_ID])
]
_ForAll = Annotated[
    bool, Field(description="True: over everybody's runs, which takes the permission to see them; false: over yours.")
]
_LeastRuns = Annotated[int, Field(ge=1, le=MOST_LEAST_RUNS)]
_Margin = Annotated[int, Field(ge=0, le=MOST_MARGIN_PERCENT, description="Of the threshold, to leave a level.")]
_Recovery = Annotated[int, Field(ge=1, le=MOST_RECOVERY_COUNT, description="Evaluations in a row to leave a level.")]
_Zone = Annotated[Text, Field(max_length=64, examples=["Europe/Berlin"])]


class NewAlertRule(StrictSchema):
    """A new alert rule."""

    name: _Name
    metric: _Metric
    alert_at: _Threshold
    warning_at: _Threshold | None = None
    window_s: _Window = 3600
    agent: _Agent = None
    label: _Label = None
    schedule_id: _ScheduleId = None
    for_all: _ForAll = False
    least_runs: _LeastRuns = 5
    margin_percent: _Margin = 10
    recovery_count: _Recovery = 2
    time_zone: _Zone = "UTC"
    active: bool = True


class AlertRuleChange(StrictSchema):
    """Changes of an alert rule: only what is sent. Null removes a warning, an agent, a label and a
    schedule; another agent, or none, has no label unless one is sent too."""

    name: _Name | None = None
    metric: _Metric | None = None
    alert_at: _Threshold | None = None
    warning_at: _Threshold | None = None
    window_s: _Window | None = None
    agent: _Agent = None
    label: _Label = None
    schedule_id: _ScheduleId = None
    for_all: _ForAll | None = None
    least_runs: _LeastRuns | None = None
    margin_percent: _Margin | None = None
    recovery_count: _Recovery | None = None
    time_zone: _Zone | None = None
    active: bool | None = None


class AlertMute(StrictSchema):
    """Until when nobody is told, and why."""

    until: AwareDatetime
    note: Annotated[Text, Field(max_length=MAX_MUTE_NOTE_CHARS)] = ""


class AlertRuleOut(Sent):
    """An alert rule and where it stands."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RULE_ID])]
    name: str
    owner: Annotated[str | None, Field(description="Null for one of the command line.")]
    metric: _Metric
    window_s: Annotated[int | None, Field(description="Null for `waiting` and `spend_today`.")]
    agent: str | None
    label: str | None
    schedule_id: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})]
    for_all: bool
    warning_at: float | None
    alert_at: float
    least_runs: int
    margin_percent: int
    recovery_count: int
    time_zone: str
    active: bool
    level: _Level
    since: AwareDatetime | None
    value: Annotated[float | None, Field(description="Null if nothing can be said.")]
    counts: Annotated[dict[str, int], Field(description="The numbers behind the value.")]
    muted_until: AwareDatetime | None
    mute_note: str
    created_at: AwareDatetime


class AlertEventOut(Sent):
    """A change of a rule's level."""

    rule_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[RULE_ID])]
    number: Annotated[int, Field(ge=1, description="From 1 in each rule.")]
    from_level: _Level
    to_level: _Level
    value: float | None
    reason: Annotated[str, Field(examples=["12 of 40 runs failed (30 %)."])]
    muted: Annotated[bool, Field(description="Nobody was told.")]
    at: AwareDatetime
    acknowledged_by: str | None
    acknowledged_at: AwareDatetime | None


class AlertRuleList(Sent):
    """Alert rules, by name."""

    items: list[AlertRuleOut]


class AlertEventPage(Sent):
    """Changes of levels, the latest first."""

    items: list[AlertEventOut]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


def rule_as_json(rule: AlertRule) -> JsonObject:
    """The rule. Reads its user and its agent."""
    return {
        "id": str(rule.pk),
        "name": rule.name,
        "owner": rule.owner_name or None,
        "metric": rule.metric,
        "window_s": rule.window_s if rule.is_windowed else None,
        "agent": None if rule.agent is None else rule.agent.name,
        "label": rule.label or None,
        "schedule_id": None if rule.schedule_id is None else str(rule.schedule_id),
        "for_all": rule.is_for_all,
        "warning_at": _number(rule.warning_at),
        "alert_at": _number(rule.alert_at),
        "least_runs": rule.least_runs,
        "margin_percent": rule.margin_percent,
        "recovery_count": rule.recovery_count,
        "time_zone": rule.time_zone,
        "active": rule.is_active,
        "level": rule.level,
        "since": as_utc(rule.level_since),
        "value": _number(rule.value),
        "counts": rule.counts,
        "muted_until": as_utc(rule.muted_until),
        "mute_note": rule.mute_note,
        "created_at": as_utc(rule.created_at),
    }


def alert_event_as_json(event: AlertEvent) -> JsonObject:
    """The event. Reads who has acknowledged it."""
    by: Any = event.acknowledged_by
    return {
        "rule_id": str(event.rule_id),
        "number": event.number,
        "from_level": event.from_level,
        "to_level": event.to_level,
        "value": _number(event.value),
        "reason": event.reason,
        "muted": event.was_muted,
        "at": as_utc(event.at),
        "acknowledged_by": None if by is None else by.get_username(),
        "acknowledged_at": as_utc(event.acknowledged_at),
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
