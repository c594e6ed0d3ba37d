"""Rules of notifications: the form of one, the switch and the end."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from runs.engine.control import notification_rules as control
from runs.engine.control.notification_channels import NotificationRefused
from runs.models import NotificationChannel, NotificationRule
from runs.models.permissions import may_see_all
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.notification_forms import RECIPES, RuleForm, initial_of
from runs.web.webhook_form import SCOPES


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def new_rule(request: PageRequest) -> HttpResponse:
    """The form of a new rule; `?recipe=` fills it in. POST makes it; 422 with the form if it is refused."""
    if request.method == "POST":
        form = RuleForm(request.POST, user=request.user)
    else:
        channels = NotificationChannel.objects.filter(user=request.user.pk)
        about: dict[str, Any] = {"scope": "own", "in_page": True, "channels": [str(each.pk) for each in channels]}
        recipe = RECIPES.get(request.GET.get("recipe", ""), {})
        form = RuleForm(initial=about | recipe, user=request.user)
    if form.is_bound and form.is_valid():
        try:
            rule = control.create_rule(form.settings(), user=request.user)
        except NotificationRefused as refused:
            form.refuse(refused)
        else:
            messages.info(request, gettext("“%(name)s” is active.") % {"name": rule.name})
            return redirect("runs:notifications")
    return _show_form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_rule(request: PageRequest, notification_rule_id: UUID) -> HttpResponse:
    """The form of a rule. POST stores it; 422 with the form if it is refused."""
    rule = _rule_or_404(request, notification_rule_id)
    wait_s = rule.waits_over_s
    if request.method == "POST":
        form = RuleForm(request.POST, user=request.user, wait_s=wait_s)
    else:
        form = RuleForm(initial=initial_of(rule), user=request.user, wait_s=wait_s)
    if form.is_bound and form.is_valid():
        try:
            control.change_rule(rule.pk, form.settings(is_active=rule.is_active), by=request.user)
        except NotificationRefused as refused:
            form.refuse(refused)
        else:
            return redirect("runs:notifications")
    return _show_form(request, form, rule)


@require_POST
@signed_in
def switch_rule(request: PageRequest, notification_rule_id: UUID) -> HttpResponse:
    """Switch it off, or on again."""
    rule = _rule_or_404(request, notification_rule_id)
    rule = control.switch_rule(rule.pk, is_active=not rule.is_active, by=request.user)
    words = gettext("“%(name)s” is active.") if rule.is_active else gettext("“%(name)s” is off.")
    messages.info(request, words % {"name": rule.name})
    return redirect("runs:notifications")


@require_POST
@signed_in
def delete_rule(request: PageRequest, notification_rule_id: UUID) -> HttpResponse:
    """Delete it with what it noted."""
    rule = _rule_or_404(request, notification_rule_id)
    control.delete_rule(rule.pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is deleted.") % {"name": rule.name})
    return go_to(request, reverse("runs:notifications"))


def _show_form(request: PageRequest, form: RuleForm, rule: NotificationRule | None) -> HttpResponse:
    fields: dict[str, Any] = dict(form.fields)
    context = {
        "form": form,
        "rule": rule,
        "events": NotificationRule.Event.choices,
        "waits": fields["waits_over_s"].choices,
        "agents": fields["agent"].choices,
        "channels": fields["channels"].choices,
        "scopes": SCOPES,
        "sees_all": may_see_all(request.user),
    }
    return render(request, "notifications/rule.html", context, status=422 if form.errors else 200)


def _rule_or_404(request: PageRequest, notification_rule_id: UUID) -> NotificationRule:
    rule = NotificationRule.objects.visible_to(request.user).filter(pk=notification_rule_id).first()
    if rule is None:
        raise Http404(gettext("There is no such rule, or it is not yours."))
    return rule
