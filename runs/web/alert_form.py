"""The form of an alert rule, and that of a mute."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.engine.alert_rules.rule_storage import AlertRuleRefused, AlertRuleValues
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, AlertRule, Schedule
from runs.models.alert import (
    MAX_MUTE_NOTE_CHARS,
    MAX_RULE_NAME_CHARS,
    MOST_LEAST_RUNS,
    MOST_MARGIN_PERCENT,
    MOST_RECOVERY_COUNT,
)
from runs.models.permissions import may_see_all

SCOPES: Final = (("own", gettext_lazy("My runs")), ("all", gettext_lazy("Everybody's runs")))
MUTES: Final = (
    ("1", gettext_lazy("For 1 hour")),
    ("8", gettext_lazy("For 8 hours")),
    ("tomorrow", gettext_lazy("Until tomorrow, 8:00")),
)
MOST_SCHEDULES: Final = 200
"""To choose from; the page of any other leads here with it chosen."""
MAX_CHOICE_CHARS: Final = 50
"""Of an agent's key with a label."""
MORNING: Final = 8
"""The hour at which a mute until tomorrow ends."""
_DEFAULTS: Final[JsonObject] = {
    "metric": AlertRule.Metric.FAILURE_RATE.value,
    "window_s": str(AlertRule.Window.HOUR.value),
    "scope": "own",
    "least_runs": 5,
    "margin_percent": 10,
    "recovery_count": 2,
    "is_active": True,
}
_UNIT: Final = gettext_lazy("Percent, US dollars or seconds, as the figure has them.")


def _threshold(label: Any, *, required: bool = True, help_text: Any = "") -> forms.DecimalField:
    """A field for a value of any metric."""
    return forms.DecimalField(
        label=label,
        required=required,
        max_digits=14,
        decimal_places=4,
        min_value=Decimal(0),
        help_text=help_text,
        error_messages={"required": gettext_lazy("Say from which value on it is raised.")},
    )


class AlertRuleForm(forms.Form):
    """What a rule watches, its thresholds, and when a level ends. What is valid is decided where it is stored."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_RULE_NAME_CHARS,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    metric = forms.ChoiceField(label=gettext_lazy("Figure"), choices=AlertRule.Metric.choices)
    window_s = forms.TypedChoiceField(
        label=gettext_lazy("Over the last"),
        choices=[(str(value), label) for value, label in AlertRule.Window.choices],
        coerce=int,
        help_text=gettext_lazy("For the figures of runs that have ended."),
    )
    scope = forms.ChoiceField(label=gettext_lazy("Of"), choices=SCOPES)
    agent = forms.ChoiceField(label=gettext_lazy("Agent"), required=False)
    schedule = forms.ChoiceField(label=gettext_lazy("Schedule"), required=False)
    warning_at = _threshold(gettext_lazy("Warning from"), required=False, help_text=_UNIT)
    alert_at = _threshold(gettext_lazy("Alert from"), help_text=_UNIT)
    least_runs = forms.IntegerField(
        label=gettext_lazy("At least so many runs"),
        min_value=1,
        max_value=MOST_LEAST_RUNS,
        help_text=gettext_lazy("With fewer there is no failure rate and no duration."),
    )
    margin_percent = forms.IntegerField(
        label=gettext_lazy("Ends when better by (percent)"),
        min_value=0,
        max_value=MOST_MARGIN_PERCENT,
        help_text=gettext_lazy("Of the threshold: so a value near it raises nothing again and again."),
    )
    recovery_count = forms.IntegerField(
        label=gettext_lazy("In so many evaluations in a row"), min_value=1, max_value=MOST_RECOVERY_COUNT
    )
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"), max_length=64, help_text=gettext_lazy("Where the day begins of what is spent.")
    )
    is_active = forms.BooleanField(label=gettext_lazy("In use"), required=False)

    def __init__(self, data: QueryDict | None = None, *, user: Any, initial: JsonObject | None = None) -> None:
        """`data` None shows `initial`, where it has values, and the defaults elsewhere. Whoever may not see everybody's
        runs is not asked whose."""
        zone = {"time_zone": timezone.get_default_timezone_name()}
        super().__init__(data, initial=_DEFAULTS | zone | (initial or {}))
        if not may_see_all(user):
            del self.fields["scope"]
        fields: Any = self.fields
        shown: Any = initial or {} if data is None else data
        chosen = {name: str(shown.get(name) or "") for name in ("agent", "schedule")}
        fields["agent"].choices = [("", gettext_lazy("All agents")), *_agent_choices(chosen["agent"])]
        fields["schedule"].choices = [("", gettext_lazy("All runs")), *_schedule_choices(user, chosen["schedule"])]

    def values(self) -> AlertRuleValues:
        """What was sent, once it is valid."""
        told = dict(self.cleaned_data)
        (agent, _, label), scope = told.pop("agent").partition("@"), told.pop("scope", "own")
        schedule = told.pop("schedule")
        return AlertRuleValues(
            **told,
            agent=Agent.objects.filter(pk=agent).first() if agent else None,
            label=label,
            schedule=Schedule.objects.filter(pk=schedule).first() if schedule else None,
            is_for_all=scope == "all",
        )

    def refuse(self, refused: AlertRuleRefused) -> None:
        """Show why it was not taken."""
        for name, words in refused.faults.items():
            field = {"is_for_all": "scope", "label": "agent"}.get(name, name)
            self.add_error(field if field in self.fields else None, refusal_words(ValueError(words)))


def fields_of(rule: AlertRule) -> JsonObject:
    """The values of the form for a stored rule."""
    names = ("name", "metric", "least_runs", "margin_percent", "recovery_count", "time_zone", "is_active")
    shown: JsonObject = {name: getattr(rule, name) for name in names}
    for name in ("warning_at", "alert_at"):
        value = getattr(rule, name)
        shown[name] = "" if value is None else f"{value.normalize():f}"
    return shown | {
        "window_s": str(rule.window_s),
        "scope": "all" if rule.is_for_all else "own",
        "agent": "" if rule.agent_id is None else _agent_value(rule.agent_id, rule.label),
        "schedule": "" if rule.schedule_id is None else str(rule.schedule_id),
    }


def _agent_choices(chosen: str) -> list[tuple[str, str]]:
    """The agents, each followed by its labels; and the chosen one, whose label or use may have ended."""
    found = []
    for agent in Agent.objects.in_use().order_by("name").prefetch_related("labels").only("name"):
        found.append((str(agent.pk), agent.name))
        found += [(_agent_value(agent.pk, each.name), f"{agent.name}@{each.name}") for each in agent.labels.all()]
    agent_id, _, label = chosen.partition("@")
    if chosen not in dict(found) and agent_id.isascii() and agent_id.isdecimal() and len(chosen) <= MAX_CHOICE_CHARS:
        names = Agent.objects.filter(pk=agent_id).values_list("name", flat=True)
        found += [(chosen, f"{name}@{label}" if label else name) for name in names]
    return found


def _agent_value(agent_id: int, label: str) -> str:
    return f"{agent_id}@{label}" if label else str(agent_id)


def _schedule_choices(user: Any, chosen: str) -> list[tuple[str, str]]:
    """The first schedules by name, and the chosen one. Those of others have their owner's name."""
    seen = Schedule.objects.visible_to(user).select_related("user").only("name", "user__username")
    found = list(seen.order_by("name", "pk")[:MOST_SCHEDULES])
    uid = _uuid_of(chosen)
    if uid is not None and uid not in {each.pk for each in found}:
        found += seen.filter(pk=uid)
    return [(str(each.pk), _schedule_words(each, user)) for each in found]


def _uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _schedule_words(schedule: Schedule, user: Any) -> str:
    owner: Any = schedule.user
    return schedule.name if owner is None or owner.pk == user.pk else f"{schedule.name} ({owner.get_username()})"


class MuteForm(forms.Form):
    """For how long nobody is told of a rule, and why."""

    span = forms.ChoiceField(choices=MUTES)
    note = forms.CharField(required=False, max_length=MAX_MUTE_NOTE_CHARS)

    def until(self, rule: AlertRule, now: datetime) -> datetime:
        """When the mute ends."""
        span = self.cleaned_data["span"]
        if span != "tomorrow":
            return now + timedelta(hours=int(span))
        tomorrow = now.astimezone(ZoneInfo(rule.time_zone)) + timedelta(days=1)
        return tomorrow.replace(hour=MORNING, minute=0, second=0, microsecond=0)
