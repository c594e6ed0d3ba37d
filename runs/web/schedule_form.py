"""The form of a schedule: what it launches, when, and what happens if something comes in between."""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType, TemplateInput, stored_inputs
from runs.agent.task_templates.values import default_of
from runs.engine.files.visibility import files_for
from runs.engine.schedules import ScheduleFaults, ScheduleValues
from runs.models import Agent, Schedule, StoredFile, TaskTemplate
from runs.models.agent_label import MAX_LABEL_CHARS
from runs.models.schedule import MAX_JITTER_S, MAX_SCHEDULE_NAME_CHARS, MOST_FAILURES, MOST_RUNS
from runs.recurrence.cron import MAX_WHEN_CHARS, RecurrenceRefused, checked_zone
from runs.recurrence.due_ticks import MOST_CAUGHT_UP
from runs.web.access import id_in
from runs.web.forms import checked_task
from runs.web.template_form import PREFIX, UPLOAD, InputField, input_form_field, said

_LOCAL: Final = "%Y-%m-%dT%H:%M"
"""Of a field for a date and a time."""


def _number(label: Any, least: int, most: int, *, help_text: Any = "") -> forms.IntegerField:
    """A field for a whole number, which may be empty."""
    return forms.IntegerField(label=label, help_text=help_text, required=False, min_value=least, max_value=most)


class ScheduleForm(forms.Form):
    """A schedule of a task, or of a template: then `template` is given, and there are fields for its inputs."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_SCHEDULE_NAME_CHARS,
        error_messages={"required": gettext_lazy("Give it a name.")},
    )
    when = forms.CharField(
        label=gettext_lazy("When"),
        max_length=MAX_WHEN_CHARS,
        error_messages={"required": gettext_lazy("Say when it runs.")},
    )
    time_zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64)
    agent = forms.ModelChoiceField(
        label=gettext_lazy("Agent"),
        queryset=Agent.objects.in_use(),
        to_field_name="name",
        error_messages={
            "required": gettext_lazy("Choose an agent."),
            "invalid_choice": gettext_lazy("There is no agent of that name. Choose one from the list."),
        },
    )
    version = forms.CharField(label=gettext_lazy("Version or label"), required=False, max_length=MAX_LABEL_CHARS)
    task = forms.CharField(
        label=gettext_lazy("Task"), error_messages={"required": gettext_lazy("Type what the agent should do.")}
    )
    overlap = forms.ChoiceField(
        label=gettext_lazy("If the run before is still at work"), choices=Schedule.Overlap.choices
    )
    catch_up = forms.ChoiceField(label=gettext_lazy("Runs that were missed"), choices=Schedule.CatchUp.choices)
    most_caught_up = _number(gettext_lazy("At most so many of them"), 1, MOST_CAUGHT_UP)
    jitter_s = _number(
        gettext_lazy("Delay by up to (seconds)"),
        0,
        MAX_JITTER_S,
        help_text=gettext_lazy("Each run by its own number, so that many schedules do not begin in the same second."),
    )
    ends_at = forms.CharField(
        label=gettext_lazy("Ends at"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("In the time zone of the schedule; empty for no end."),
    )
    max_runs = _number(gettext_lazy("Ends after so many runs"), 1, MOST_RUNS)
    stop_after = _number(
        gettext_lazy("Stops after failures in a row"), 1, MOST_FAILURES, help_text=gettext_lazy("Empty for never.")
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: Any,
        template: TaskTemplate | None = None,
        initial: JsonObject | None = None,
    ) -> None:
        """`data` None shows `initial`, where it has values, and the defaults elsewhere."""
        self.template, self.user = template, user
        self.inputs: list[TemplateInput] = [] if template is None else list(stored_inputs(template.inputs))
        self.upload_errors: dict[str, str] = {}
        defaults: JsonObject = {
            PREFIX + each.name: default_of(each, today=timezone.localdate()) for each in self.inputs
        }
        defaults |= {
            "time_zone": timezone.get_default_timezone_name(),
            "overlap": Schedule.Overlap.SKIP,
            "catch_up": Schedule.CatchUp.LATEST,
            "most_caught_up": 10,
            "stop_after": 3,
        }
        super().__init__(data, initial=defaults | (initial or {}))
        if template is not None:
            del self.fields["task"], self.fields["agent"]
            self.fields |= {PREFIX + each.name: input_form_field(each) for each in self.inputs}

    def clean_task(self) -> str:
        return checked_task(self.cleaned_data["task"])

    def clean(self) -> JsonObject | None:
        cleaned = super().clean()
        for field, words in self.upload_errors.items():
            self.add_error(field, words)
        return cleaned

    def clean_ends_at(self) -> datetime | None:
        """The moment that the clock of the schedule's zone shows so."""
        typed = self.cleaned_data["ends_at"]
        if not typed:
            return None
        try:
            zone = ZoneInfo(checked_zone(self.cleaned_data.get("time_zone", "")))
            return datetime.strptime(typed[:16], _LOCAL).replace(tzinfo=zone).astimezone(UTC)
        except RecurrenceRefused:
            return None  # Its own field says so.
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError(gettext_lazy("It must be a date and a time.")) from error

    def values(self) -> ScheduleValues:
        """What was sent, once it is valid."""
        cleaned = self.cleaned_data
        given = {name: cleaned[name] for name in ("name", "when", "time_zone", "version", "overlap", "catch_up")}
        given |= {name: cleaned[name] for name in ("ends_at", "max_runs", "stop_after")}
        return ScheduleValues(
            **given,
            agent=cleaned.get("agent"),
            template=self.template,
            inputs={each.name: self.data.get(PREFIX + each.name, "") for each in self.inputs},
            task=cleaned.get("task", ""),
            jitter_s=cleaned["jitter_s"] or 0,
            most_caught_up=cleaned["most_caught_up"] or 1,
        )

    def refuse(self, faults: ScheduleFaults) -> None:
        """Add each fault to its field."""
        by_field = {**faults.by_field, **{PREFIX + name: words for name, words in faults.by_input.items()}}
        for name, words in by_field.items():
            self.add_error(name if name in self.fields else None, said(words))

    def input_fields(self) -> list[InputField]:
        """The fields of the template's inputs, in their order."""
        return [
            InputField(each, self[PREFIX + each.name], self._file_of(each), UPLOAD + each.name) for each in self.inputs
        ]

    def _file_of(self, of: TemplateInput) -> StoredFile | None:
        pk = id_in(str(self[PREFIX + of.name].value() or "")) if of.type == InputType.FILE else None
        return None if pk is None else files_for(self.user).filter(pk=pk).first()


def fields_of(schedule: Schedule) -> JsonObject:
    """The values of the form for a stored schedule."""
    names = ("name", "when", "time_zone", "version", "task", "overlap", "catch_up", "most_caught_up", "jitter_s")
    shown: JsonObject = {name: getattr(schedule, name) for name in (*names, "max_runs", "stop_after")}
    shown["agent"] = schedule.agent.name if schedule.agent is not None else ""
    if schedule.ends_at is not None:
        shown["ends_at"] = schedule.ends_at.astimezone(ZoneInfo(schedule.time_zone)).strftime(_LOCAL)
    return shown | {PREFIX + name: value for name, value in (schedule.inputs or {}).items()}
