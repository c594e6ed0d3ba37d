"""The list of alert rules, the page of one with its history, and what its buttons do."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from runs.engine.alert_rules import rule_storage
from runs.engine.alert_rules.rule_storage import AlertRuleRefused
from runs.live.rendering.stored_words import refusal_words
from runs.models import AlertLevel, AlertRule
from runs.models.alert import MAX_MUTE_NOTE_CHARS
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.alert_charts import alert_chart
from runs.web.alert_form import MUTES, MuteForm
from runs.web.alert_rows import AlertEventRow, AlertRow
from runs.web.log_page import log_page

SHOWN: Final = 200
"""Rules in the list: the raised ones come first."""
EVENTS_SHOWN: Final = 50
ON_HOME: Final = 5


@require_safe
@signed_in
def show_alerts(request: PageRequest) -> HttpResponse:
    """The rules that the user may see: those that are raised, the worst first, and then the others by name."""
    found = list(_worst_first(_seen(request.user))[: SHOWN + 1])
    context: dict[str, Any] = {
        "rows": _rows(found[:SHOWN], request.user),
        "has_more": len(found) > SHOWN,
        "most": SHOWN,
        "recipes": [(urlencode(values), title) for values, title in recipes()],
    }
    return render(request, "alerts/list.html", context)


def raised_alerts(user: Any) -> list[AlertRow]:
    """The first rules that are raised, for the first page: what is muted is not there."""
    now = timezone.now()
    raised = _worst_first(_seen(user).raised().exclude(muted_until__gt=now))
    return [AlertRow(rule, user, now) for rule in raised[:ON_HOME]]


def recipes() -> list[tuple[dict[str, str], str]]:
    """The fields of what a first rule may be, and its title."""
    failing, costly, waiting = gettext("Many runs fail"), gettext("The day is costly"), gettext("A run waits long")
    return [
        (
            {"name": failing, "metric": "failure_rate", "window_s": "3600", "warning_at": "10", "alert_at": "25"},
            failing,
        ),
        ({"name": costly, "metric": "spend_today", "warning_at": "5", "alert_at": "10"}, costly),
        ({"name": waiting, "metric": "waiting", "warning_at": "900", "alert_at": "3600"}, waiting),
    ]


@require_safe
@signed_in
def show_alert_rule(request: PageRequest, rule_id: UUID) -> HttpResponse:
    """A rule, its last days and its history; `?before=` goes on behind the event of that number."""
    rule, now = alert_rule_or_404(request, rule_id), timezone.now()
    log = log_page(request, rule.events.select_related("acknowledged_by"), length=EVENTS_SHOWN)
    last = rule.events.select_related("acknowledged_by").order_by("-number").first() if rule.is_raised else None
    context: dict[str, Any] = {
        "row": AlertRow(rule, request.user, now),
        "rule": rule,
        "log": log,
        "events": [AlertEventRow(event) for event in log.rows],
        "raised_by": last,
        "chart": alert_chart(rule, now),
        "mutes": MUTES,
        "max_note_chars": MAX_MUTE_NOTE_CHARS,
        "shows_owner": rule.user is not None and rule.user_id != request.user.pk,
    }
    return render(request, "alerts/rule.html", context)


@require_POST
@signed_in
def mute(request: PageRequest, rule_id: UUID) -> HttpResponse:
    """Mute the rule for the sent `span`, with the sent `note`."""

    def work(rule: AlertRule) -> None:
        form = MuteForm(request.POST)
        if not form.is_valid():
            raise AlertRuleRefused({"": _first_error(form)})
        until = form.until(rule, timezone.now())
        rule_storage.mute_rule(rule.pk, until, by=request.user, note=form.cleaned_data["note"])

    return _changed(request, rule_id, work)


@require_POST
@signed_in
def unmute(request: PageRequest, rule_id: UUID) -> HttpResponse:
    """Tell people of the rule again."""
    return _changed(request, rule_id, lambda rule: rule_storage.unmute_rule(rule.pk, by=request.user))


@require_POST
@signed_in
def acknowledge(request: PageRequest, rule_id: UUID) -> HttpResponse:
    """Note that the user has seen that the rule is raised."""
    return _changed(request, rule_id, lambda rule: rule_storage.acknowledge(rule.pk, by=request.user))


@require_POST
@signed_in
def delete(request: PageRequest, rule_id: UUID) -> HttpResponse:
    """Delete the rule with its history; then to the list."""
    rule = alert_rule_or_404(request, rule_id)
    rule_storage.delete_rule(rule.pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is deleted.") % {"name": rule.name})
    return go_to(request, reverse("runs:alerts"))


def alert_rule_or_404(request: PageRequest, rule_id: UUID) -> AlertRule:
    """The rule; 404 for one that the user may not see, as for a missing one."""
    rule: AlertRule | None = _seen(request.user).filter(pk=rule_id).first()
    if rule is None:
        raise Http404(gettext("There is no such alert rule, or it is not yours."))
    return rule


def _seen(user: Any) -> Any:
    return AlertRule.objects.visible_to(user).select_related("agent", "schedule", "user", "muted_by")


def _rows(rules: list[AlertRule], user: Any) -> list[AlertRow]:
    now: datetime = timezone.now()
    return [AlertRow(rule, user, now) for rule in rules]


def _worst_first(rules: Any) -> Any:
    raised = {"is_active": True}
    alert, warning = AlertLevel.ALERT, AlertLevel.WARNING
    place = Case(
        When(**raised, level=alert, then=Value(0)),
        When(**raised, level=warning, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rules.order_by(place, "name", "pk")


def _first_error(form: MuteForm) -> Any:
    return next(iter(form.errors.values()))[0]


def _changed(request: PageRequest, rule_id: UUID, work: Callable[[AlertRule], object]) -> HttpResponse:
    """Do it, and go back to the rule. A refusal is told there."""
    rule = alert_rule_or_404(request, rule_id)
    try:
        work(rule)
    except AlertRule.DoesNotExist as gone:
        raise Http404(gettext("There is no such alert rule, or it is not yours.")) from gone
    except AlertRuleRefused as refused:
        messages.error(request, " ".join(refusal_words(ValueError(words)) for words in refused.faults.values()))
    return redirect(rule)
