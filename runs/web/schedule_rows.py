"""Schedules and their ticks as pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext

from runs.languages import page_language
from runs.live.rendering.formatting import counted_text, dollars
from runs.live.rendering.stored_words import reason_words
from runs.models import Run, Schedule, ScheduleTick
from runs.models.permissions import may_change_schedule, may_pause_schedule, may_resume_schedule
from runs.recurrence.descriptions import description_of
from runs.recurrence.due_ticks import MOST_COUNTED

SHOWN_RESULTS: Final = 5
COST_DAYS: Final = 30
TONES: Final = {
    ScheduleTick.State.WAITING: ("clock", ""),
    ScheduleTick.State.AT_WORK: ("loader-circle", "run"),
    ScheduleTick.State.SUCCEEDED: ("circle-check", "ok"),
    ScheduleTick.State.FAILED: ("circle-x", "error"),
    ScheduleTick.State.CANCELLED: ("circle-stop", ""),
    ScheduleTick.State.REFUSED: ("circle-alert", "error"),
    ScheduleTick.State.SKIPPED: ("skip-forward", ""),
    ScheduleTick.State.MISSED: ("clock-alert", ""),
}
"""The icon and the tone of each state of a tick."""
STATE_TONES: Final = {
    Schedule.State.ACTIVE: ("calendar-clock", "ok"),
    Schedule.State.PAUSED: ("pause", "you"),
    Schedule.State.STOPPED: ("circle-x", "error"),
    Schedule.State.ENDED: ("flag", ""),
}


@dataclass(frozen=True, slots=True)
class TickRow:
    """One line of a history."""

    tick: ScheduleTick
    zone: ZoneInfo

    @property
    def label(self) -> str:
        """Its state in words."""
        return str(self.tick.get_state_display())

    @property
    def icon(self) -> str:
        """Of its state."""
        return TONES[ScheduleTick.State(self.tick.state)][0]

    @property
    def tone(self) -> str:
        """Of its state."""
        return TONES[ScheduleTick.State(self.tick.state)][1]

    @property
    def due(self) -> str:
        """Its time in the zone of the schedule."""
        return local_text(self.tick.due_at, self.zone)

    @property
    def words(self) -> str:
        """Why it launched nothing; of missed ticks, how many; of a run by hand, that."""
        tick = self.tick
        if tick.missed_until is not None and tick.missed_count is not None:
            return _missed_words(tick.missed_count, local_text(tick.missed_until, self.zone))
        if tick.reason:
            return reason_words(tick.reason, tick.reason_parts)
        return gettext("By hand") if tick.is_by_hand else ""


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule in a list, and at the top of its page."""

    schedule: Schedule
    user: Any
    results: list[TickRow] = field(default_factory=list)
    """The last ones that have come to something, oldest first."""
    cost: str = ""
    """Of its runs of the last month, in words; empty if none has a known cost."""

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.schedule.time_zone)

    @property
    def icon(self) -> str:
        """Of its state."""
        return STATE_TONES[Schedule.State(self.schedule.state)][0]

    @property
    def tone(self) -> str:
        """Of its state."""
        return STATE_TONES[Schedule.State(self.schedule.state)][1]

    @property
    def description(self) -> str:
        """When it runs, in the active language."""
        return description_of(self.schedule.cron, page_language())

    @property
    def next_times(self) -> list[str]:
        """Its next times in its zone, if it is active."""
        schedule = self.schedule
        if schedule.next_tick_at is None:
            return []
        following = schedule.timing.next_ticks(schedule.next_tick_at, SHOWN_RESULTS - 1)
        return [local_text(tick, self.zone) for tick in (schedule.next_tick_at, *following)]

    @property
    def may_pause(self) -> bool:
        """True if the user may pause and delete it."""
        return may_pause_schedule(self.user, self.schedule)

    @property
    def may_resume(self) -> bool:
        """True if the user may resume it and launch a run from it."""
        return may_resume_schedule(self.user, self.schedule)

    @property
    def may_change(self) -> bool:
        """True if the user may change it."""
        return may_change_schedule(self.user, self.schedule)

    @property
    def facts(self) -> list[tuple[Promise | str, str]]:
        """Its rules, as name and value."""
        schedule = self.schedule
        told: list[tuple[Promise | str, str]] = [
            (gettext("If the run before is still at work"), str(schedule.get_overlap_display())),
            (gettext("Runs that were missed"), _caught_up(schedule)),
        ]
        if schedule.jitter_s:
            seconds = ngettext("%(n)s second", "%(n)s seconds", schedule.jitter_s)
            told.append((gettext("Delayed by up to"), seconds % {"n": counted_text(schedule.jitter_s)}))
        if schedule.ends_at is not None:
            told.append((gettext("Ends at"), local_text(schedule.ends_at, self.zone)))
        if schedule.max_runs is not None:
            of = gettext("%(launched)s of %(most)s") % {
                "launched": counted_text(schedule.runs_launched),
                "most": counted_text(schedule.max_runs),
            }
            told.append((gettext("Runs launched"), of))
        stops = counted_text(schedule.stop_after) if schedule.stop_after is not None else pgettext("failures", "never")
        return [*told, (gettext("Stops after failures in a row"), stops)]


def rows_of(schedules: Iterable[Schedule], *, user: Any) -> list[ScheduleRow]:
    """The rows of a list, with their last results and what they cost. Two queries."""
    found = list(schedules)
    place = Window(RowNumber(), partition_by=F("schedule"), order_by=("-due_at", "-pk"))
    ticks = ScheduleTick.objects.filter(schedule__in=found).exclude(state=ScheduleTick.State.WAITING)
    latest = ticks.annotate(place=place).filter(place__lte=SHOWN_RESULTS).order_by("due_at", "pk")
    results: dict[Any, list[TickRow]] = {}
    zones = {each.pk: ZoneInfo(each.time_zone) for each in found}
    for tick in latest:
        results.setdefault(tick.schedule_id, []).append(TickRow(tick, zones[tick.schedule_id]))
    costs = _costs_of(found)
    return [ScheduleRow(each, user, results.get(each.pk, []), costs.get(each.pk, "")) for each in found]


def _costs_of(schedules: list[Schedule]) -> dict[UUID, str]:
    """What the runs of the last month have cost, by schedule; without those whose cost is not known at all."""
    runs = Run.objects.filter(schedule__in=schedules, created_at__gte=timezone.now() - timedelta(days=COST_DAYS))
    has_more = Count("pk", filter=Q(cost_is_partial=True) | Q(cost=None, tokens_used__gt=0))
    told = {}
    for schedule, cost, unknown in (
        runs.order_by().values_list("schedule").annotate(spent=Sum("cost"), unknown=has_more)
    ):
        if cost is not None:
            words = gettext("at least %(cost)s in 30 days") if unknown else gettext("%(cost)s in 30 days")
            told[schedule] = words % {"cost": dollars(cost)}
    return told


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """The day and the time that the clocks of a zone show, in the active language; with the offset where the clocks
    show it twice."""
    local = moment.astimezone(zone)
    text = f"{date_format(local, 'D')}, {date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"
    is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{text} ({local:%Z})" if is_twice else text


def _missed_words(count: int, until: str) -> str:
    if count >= MOST_COUNTED:
        return gettext("%(n)s runs or more, until %(until)s") % {"n": counted_text(count), "until": until}
    if count == 1:
        return gettext("No process was there to launch it.")
    words = ngettext("%(n)s run, until %(until)s", "%(n)s runs, until %(until)s", count)
    return words % {"n": counted_text(count), "until": until}


def _caught_up(schedule: Schedule) -> str:
    if schedule.catch_up != Schedule.CatchUp.ALL:
        return str(schedule.get_catch_up_display())
    words = ngettext("At most %(n)s of them run", "At most %(n)s of them run", schedule.most_caught_up)
    return words % {"n": counted_text(schedule.most_caught_up)}
