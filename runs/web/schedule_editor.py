"""The pages that make and change a schedule, and the preview of its times."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from runs.agent.json_data.json_types import JsonObject
from runs.engine.schedules import ScheduleInvalid, save_schedule
from runs.languages import page_language
from runs.models import Schedule, TaskTemplate
from runs.models.permissions import may_change_schedule, may_launch, refusal_of_schedule
from runs.recurrence.cron import MAX_WHEN_CHARS, Recurrence, RecurrenceRefused, checked_zone, time_zones
from runs.recurrence.descriptions import description_of
from runs.recurrence.due_ticks import Timing
from runs.recurrence.phrases import EXAMPLES, cron_of
from runs.web.access import PageRequest, go_to, only_if, signed_in
from runs.web.files import files_field
from runs.web.forms import agent_names
from runs.web.schedule_form import ScheduleForm, fields_of
from runs.web.schedule_rows import SHOWN_RESULTS, local_text
from runs.web.schedules_page import schedule_or_404
from runs.web.template_form import said, template_or_404, with_uploads

OFFERED_TEMPLATES: Final = 200


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_launch)
def new_schedule(request: PageRequest) -> HttpResponse:
    """GET shows an empty form; with `?template=` that of a template, with `?when=`, `?agent=` and `?task=` filled in.
    POST makes the schedule; 422 with the form if it is invalid."""
    named = (request.POST if request.method == "POST" else request.GET).get("template", "")
    template = template_or_404(named) if named else None
    if request.method == "POST":
        return _sent(request, None, template)
    initial = {name: request.GET[name][:4000] for name in ("when", "agent", "task") if name in request.GET}
    if template is not None:
        initial["name"] = template.name
    return _show(request, ScheduleForm(user=request.user, template=template, initial=initial), None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_schedule(request: PageRequest, schedule_id: UUID) -> HttpResponse:
    """GET shows the form of a schedule. POST saves it; 422 with the form if it is invalid. Only its owner may."""
    schedule = schedule_or_404(request, schedule_id)
    if not may_change_schedule(request.user, schedule):
        raise PermissionDenied(refusal_of_schedule())
    if request.method == "POST":
        return _sent(request, schedule, schedule.template)
    form = ScheduleForm(user=request.user, template=schedule.template, initial=fields_of(schedule))
    return _show(request, form, schedule)


@require_safe
@signed_in
def preview(request: PageRequest) -> HttpResponse:
    """What `when` means in the time zone, and its next times; or why it means nothing."""
    when, zone = request.GET.get("when", "")[: MAX_WHEN_CHARS + 1], request.GET.get("time_zone", "")
    return render(request, "schedules/partials/preview.html", preview_context(when, zone))


def preview_context(when: str, zone: str) -> JsonObject:
    """The context of the preview."""
    if not when.strip():
        return {"description": "", "times": [], "fault": ""}
    try:
        recurrence = Recurrence(cron_of(when), checked_zone(zone))
    except RecurrenceRefused as refused:
        return {"description": "", "times": [], "fault": said(refused.args[0])}
    ticks: list[datetime] = Timing(recurrence=recurrence, key="").next_ticks(timezone.now(), SHOWN_RESULTS)
    times = [local_text(tick, ZoneInfo(zone)) for tick in ticks]
    return {"description": description_of(recurrence.cron, page_language()), "times": times, "fault": ""}


def _sent(request: PageRequest, schedule: Schedule | None, template: TaskTemplate | None) -> HttpResponse:
    data, upload_errors = (request.POST, {}) if template is None else with_uploads(request, template)
    form = ScheduleForm(data, user=request.user, template=template)
    form.upload_errors = upload_errors
    if form.is_valid():
        try:
            saved = save_schedule(schedule, form.values(), by=request.user)
        except ScheduleInvalid as invalid:
            form.refuse(invalid.faults)
        else:
            return go_to(request, saved.get_absolute_url())
    return _show(request, form, schedule, status=422)


def _show(request: PageRequest, form: ScheduleForm, schedule: Schedule | None, *, status: int = 200) -> HttpResponse:
    offered = TaskTemplate.objects.filter(agent__archived_at=None).select_related("agent").order_by("name", "pk")
    is_new_task = schedule is None and form.template is None
    context: dict[str, Any] = {
        "form": form,
        "schedule": schedule,
        "template": form.template,
        "templates": list(offered.only("id", "name", "agent__name")[:OFFERED_TEMPLATES]) if is_new_task else [],
        "agents": agent_names(),
        "time_zones": time_zones(),
        "examples": EXAMPLES,
        "title": gettext("Edit schedule") if schedule is not None else gettext("New schedule"),
        **preview_context(str(form["when"].value() or ""), str(form["time_zone"].value() or "")),
        **files_field([]),
    }
    return render(request, "schedules/edit.html", context, status=status)
