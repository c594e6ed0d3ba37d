"""Request and response schemas of schedules."""

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.api.request_schemas import InputValues, StrictSchema, TemplateNamed, Text
from runs.api.response_schemas import Sent
from runs.models import Schedule, ScheduleTick
from runs.models.agent_label import MAX_AGENT_CHARS
from runs.models.as_json import as_utc
from runs.models.schedule import MAX_JITTER_S, MAX_NOTE_CHARS, MAX_SCHEDULE_NAME_CHARS, MOST_FAILURES, MOST_RUNS
from runs.recurrence.cron import MAX_WHEN_CHARS
from runs.recurrence.due_ticks import MOST_CAUGHT_UP

SCHEDULE_ID: Final = "5f0d0c1e-52f4-4a8b-9d25-3c7c1a9b8f10"
_State = Literal["active", "paused", "stopped", "ended"]
_Overlap = Annotated[
    Literal["skip", "queue", "stop"],
    Field(description="While an earlier run is at work: skip the tick, launch it later, or stop the earlier run."),
]
_CatchUp = Annotated[
    Literal["none", "latest", "all"],
    Field(description="Of ticks that were missed, launch none, the latest, or the last `most_caught_up`."),
]
_Name = Annotated[Text, Field(min_length=1, max_length=MAX_SCHEDULE_NAME_CHARS)]
_When = Annotated[
    Text,
    Field(min_length=1, max_length=MAX_WHEN_CHARS, description="Five fields of cron, or words in English."),
]
_Zone = Annotated[Text, Field(max_length=64, examples=["Europe/Berlin"])]
_AgentName = Annotated[
    Text, Field(min_length=1, max_length=MAX_AGENT_CHARS, description="Perhaps with a version or label: `Clerk@3`.")
]
_Jitter = Annotated[int, Field(ge=0, le=MAX_JITTER_S, description="Each tick is delayed by its own part of it.")]
_MostRuns = Annotated[int | None, Field(ge=1, le=MOST_RUNS, description="It ends after so many runs.")]
_StopAfter = Annotated[
    int | None, Field(ge=1, le=MOST_FAILURES, description="It stops after so many failures in a row; null for never.")
]
_MostCaughtUp = Annotated[int, Field(ge=1, le=MOST_CAUGHT_UP)]


class NewSchedule(StrictSchema):
    """A new schedule: of a task with an agent, or of a template."""

    name: _Name
    when: _When
    time_zone: _Zone = "UTC"
    agent: _AgentName | None = None
    task: Annotated[Text | None, Field(description="At most 256 KiB.")] = None
    template: Annotated[TemplateNamed | None, Field(description="Its id, or `agent/name`.")] = None
    label: Annotated[Text, Field(max_length=30, description="Of a template's agent: a label, or a version.")] = ""
    inputs: InputValues = {}
    jitter_s: _Jitter = 0
    overlap: _Overlap = "skip"
    catch_up: _CatchUp = "latest"
    most_caught_up: _MostCaughtUp = 10
    ends_at: AwareDatetime | None = None
    max_runs: _MostRuns = None
    stop_after: _StopAfter = 3


class ScheduleChange(StrictSchema):
    """Changes of a schedule: only what is sent. A task replaces a template, and a template a task."""

    name: _Name | None = None
    when: _When | None = None
    time_zone: _Zone | None = None
    agent: _AgentName | None = None
    task: Text | None = None
    template: TemplateNamed | None = None
    label: Annotated[Text | None, Field(max_length=30)] = None
    inputs: InputValues | None = None
    jitter_s: _Jitter | None = None
    overlap: _Overlap | None = None
    catch_up: _CatchUp | None = None
    most_caught_up: _MostCaughtUp | None = None
    ends_at: AwareDatetime | None = None
    max_runs: _MostRuns = None
    stop_after: _StopAfter = None


class SchedulePause(StrictSchema):
    """Why a schedule is paused."""

    note: Annotated[Text, Field(max_length=MAX_NOTE_CHARS)] = ""


class ScheduleOut(Sent):
    """A schedule."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[SCHEDULE_ID])]
    name: Annotated[str, Field(examples=["Weekly report"])]
    owner: Annotated[str | None, Field(description="Null for one of the command line.")]
    agent: Annotated[str | None, Field(description="Null after its end.", examples=["Clerk"])]
    version: Annotated[str, Field(description="A version or a label; empty for the current version.")]
    template_id: Annotated[int | None, Field(description="Null for a schedule of a task, and after its end.")]
    inputs: Annotated[dict[str, Any] | None, Field(description="Of the template.")]
    task: str | None
    when: Annotated[str, Field(description="As it was typed.", examples=["every weekday at 9:00"])]
    cron: Annotated[str, Field(examples=["0 9 * * 1-5"])]
    time_zone: Annotated[str, Field(examples=["Europe/Berlin"])]
    jitter_s: int
    overlap: _Overlap
    catch_up: _CatchUp
    most_caught_up: int
    ends_at: AwareDatetime | None
    max_runs: int | None
    stop_after: int | None
    state: _State
    note: Annotated[str, Field(description="To a pause.")]
    next_at: Annotated[AwareDatetime | None, Field(description="Null unless it is active.")]
    next_times: Annotated[list[AwareDatetime], Field(description="The next five, without jitter.")]
    runs_launched: Annotated[int, Field(description="By the clock.")]
    failures: Annotated[int, Field(description="In a row, up to now.")]
    created_at: AwareDatetime


class SchedulePage(Sent):
    """Schedules, newest first."""

    items: list[ScheduleOut]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class TickOut(Sent):
    """What became of a due time."""

    due_at: AwareDatetime
    state: Literal["waiting", "at_work", "succeeded", "failed", "cancelled", "refused", "skipped", "missed"]
    run_id: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})]
    reason: Annotated[str | None, Field(description="Why it launched no run.")]
    missed_until: Annotated[AwareDatetime | None, Field(description="Of missed ticks the last one.")]
    missed_count: Annotated[int | None, Field(description="How many were missed; 1000 stands for more, too.")]
    is_by_hand: bool


class TickPage(Sent):
    """The history of a schedule, newest first."""

    items: list[TickOut]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


def schedule_as_json(schedule: Schedule) -> JsonObject:
    """The schedule as the API shows it. Reads `agent` and `user`: select them with many."""
    coming = [] if schedule.next_tick_at is None else [schedule.next_tick_at]
    if coming:
        coming += schedule.timing.next_ticks(coming[0], 4)
    names = [*("name", "version", "inputs", "when", "cron", "time_zone", "jitter_s", "overlap", "catch_up")]
    names += ["most_caught_up", "max_runs", "stop_after", "state", "runs_launched", "failures", "template_id"]
    return {
        "id": str(schedule.pk),
        "owner": schedule.owner_name or None,
        "agent": schedule.agent.name if schedule.agent is not None else None,
        "task": schedule.task or None,
        "ends_at": as_utc(schedule.ends_at),
        "note": schedule.state_note,
        "next_at": as_utc(schedule.launch_at),
        "next_times": [as_utc(each) for each in coming],
        "created_at": as_utc(schedule.created_at),
        **{name: getattr(schedule, name) for name in names},
    }


def tick_as_json(tick: ScheduleTick) -> JsonObject:
    """The tick as the API shows it."""
    return {
        "due_at": as_utc(tick.due_at),
        "state": tick.state,
        "run_id": None if tick.run_id is None else str(tick.run_id),
        "reason": tick.reason or None,
        "missed_until": as_utc(tick.missed_until),
        "missed_count": tick.missed_count,
        "is_by_hand": tick.is_by_hand,
    }
