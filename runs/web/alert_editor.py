"""The pages that make and change an alert rule, and the preview of what it would have raised."""

from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from runs.agent.json_data.json_types import JsonObject
from runs.engine.alert_rules.advances import advance
from runs.engine.alert_rules.live_measures import measures_of
from runs.engine.alert_rules.rule_storage import AlertRuleRefused, change_rule, checked_rule, create_rule
from runs.models import AlertRule
from runs.models.permissions import NOT_YOUR_RULE, may_change_alert_rule
from runs.recurrence.cron import time_zones
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.alert_charts import alert_chart
from runs.web.alert_form import AlertRuleForm, fields_of
from runs.web.alert_rows import AlertRow
from runs.web.alerts_page import alert_rule_or_404

FILLED_IN: Final = ("name", "metric", "window_s", "warning_at", "alert_at", "scope", "agent", "schedule")
"""Fields that an address may fill in."""
UNNAMED: Final = "–"
"""The name of a rule in a preview: it has none yet."""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new_alert_rule(request: PageRequest) -> HttpResponse:
    """GET shows an empty form, with what the address fills in. POST makes the rule; 422 with the form if it is
    refused."""
    if request.method == "POST":
        return _sent(request, None)
    return _show(request, AlertRuleForm(user=request.user, initial=_filled_in(request)), None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_alert_rule(request: PageRequest, rule_id: UUID) -> HttpResponse:
    """GET shows the form of a rule. POST saves it; 422 with the form if it is refused. Only its owner may."""
    rule = alert_rule_or_404(request, rule_id)
    if not may_change_alert_rule(request.user, rule):
        raise PermissionDenied(NOT_YOUR_RULE)
    if request.method == "POST":
        return _sent(request, rule)
    return _show(request, AlertRuleForm(user=request.user, initial=fields_of(rule)), rule)


@require_safe
@signed_in
def preview_alert_rule(request: PageRequest) -> HttpResponse:
    """What the rule of the sent fields would be now, and would have raised; nothing while they make no rule."""
    data = request.GET.copy()
    data["name"] = UNNAMED
    return render(request, "alerts/partials/preview.html", _preview(request, AlertRuleForm(data, user=request.user)))


def _filled_in(request: PageRequest) -> JsonObject:
    return {name: request.GET[name].replace("\x00", "")[:80] for name in FILLED_IN if name in request.GET}


def _sent(request: PageRequest, rule: AlertRule | None) -> HttpResponse:
    form = AlertRuleForm(request.POST, user=request.user)
    if form.is_valid():
        try:
            if rule is None:
                rule = create_rule(form.values(), user=request.user, by=request.user)
            else:
                rule = change_rule(rule.pk, form.values(), by=request.user)
        except AlertRuleRefused as refused:
            form.refuse(refused)
        else:
            return go_to(request, rule.get_absolute_url())
    return _show(request, form, rule, status=422)


def _show(request: PageRequest, form: AlertRuleForm, rule: AlertRule | None, *, status: int = 200) -> HttpResponse:
    shown = QueryDict(mutable=True)
    shown.update({name: str(value) for name in form.fields if (value := form[name].value()) not in (None, "")})
    shown["name"] = UNNAMED
    context: dict[str, Any] = {
        "form": form,
        "rule": rule,
        "time_zones": time_zones(),
        "title": gettext("Edit alert rule") if rule is not None else gettext("New alert rule"),
        **_preview(request, AlertRuleForm(shown, user=request.user)),
    }
    return render(request, "alerts/edit.html", context, status=status)


def _preview(request: PageRequest, form: AlertRuleForm) -> JsonObject:
    """The context of the preview, without a rule while the fields make none."""
    nothing: JsonObject = {"row": None, "chart": None}
    if not form.is_valid():
        return nothing
    try:
        rule = checked_rule(form.values(), user=request.user, by=request.user)
    except AlertRuleRefused:
        return nothing
    now = timezone.now()
    advance(rule, measures_of([rule], now)[rule.pk], now)
    return {"row": AlertRow(rule, request.user, now), "chart": alert_chart(rule, now)}
