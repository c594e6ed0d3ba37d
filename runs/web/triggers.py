"""Triggers of a person: their list, the page of one with its log, and what can be done with it."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.engine import control
from runs.engine.control import TriggerCredentials, TriggerRefused
from runs.engine.control.triggers import MOST_TRIGGERS
from runs.models import Delivery, Trigger
from runs.models.permissions import may_launch
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.deliveries import DeliveryRow
from runs.web.log_page import log_page, show_done
from runs.web.trigger_examples import example_of
from runs.web.trigger_form import in_words

PAGE_LENGTH: Final = 30
"""Deliveries on one page, the latest first."""


@require_safe
@signed_in
def show_triggers(request: PageRequest) -> HttpResponse:
    """The triggers of the person, with what came last."""
    last = Delivery.objects.filter(trigger=OuterRef("pk")).order_by("-pk")
    triggers = list(
        Trigger.objects.filter(user=request.user.pk)
        .select_related("agent", "template")
        .annotate(last_at=Subquery(last.values("received_at")[:1]), last_state=Subquery(last.values("state")[:1]))
    )
    for each in triggers:
        each.last_label = dict(Delivery.State.choices).get(each.last_state, "")  # type: ignore[attr-defined]
    may_add = may_launch(request.user) and len(triggers) < MOST_TRIGGERS
    return render(request, "triggers/list.html", {"triggers": triggers, "may_add": may_add, "most": MOST_TRIGGERS})


@require_safe
@signed_in
def show_trigger(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """A trigger, and the log of its deliveries; `?before=` goes on behind the delivery of that number."""
    trigger = trigger_or_404(request, trigger_id)
    found = trigger.deliveries.select_related("run", "replayed_by").defer("payload", "headers")
    log = log_page(request, found, length=PAGE_LENGTH)
    rows = [DeliveryRow(each) for each in log.rows]
    context = {"trigger": trigger, "log": log, "rows": rows, "may_launch": may_launch(request.user)}
    return render(request, "triggers/trigger.html", context)


@require_POST
@signed_in
def pause_trigger(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """Pause it."""
    trigger = control.pause_trigger(trigger_or_404(request, trigger_id).pk, by=request.user)
    return show_done(request, trigger, gettext("“%(name)s” is paused."))


@require_POST
@signed_in
def resume_trigger(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """Let it launch again."""
    trigger = control.resume_trigger(trigger_or_404(request, trigger_id).pk, by=request.user)
    return show_done(request, trigger, gettext("“%(name)s” launches again."))


@require_POST
@signed_in
@never_cache
def rotate_token(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """Give it a new address, and show that, once."""
    trigger = trigger_or_404(request, trigger_id)
    return show_credentials(request, trigger, control.rotate_trigger_token(trigger.pk, by=request.user))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def rotate_secret(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """The form of a new secret. POST replaces it, and shows a random one, once; 422 if the given one does not fit."""
    trigger = trigger_or_404(request, trigger_id)
    errors: list[str] = []
    if request.method == "POST":
        given, keeps_old = request.POST.get("secret", "").strip(), "keeps_old" in request.POST
        try:
            made = control.rotate_trigger_secret(trigger.pk, secret=given, keeps_old=keeps_old, by=request.user)
        except TriggerRefused as refused:
            errors = [in_words(words) for words in refused.faults.values()]
        else:
            if made.secret:
                return show_credentials(request, trigger, made)
            return show_done(request, trigger, gettext("The secret of “%(name)s” is replaced."))
    context = {
        "trigger": trigger,
        "errors": errors,
        "keeps_old": request.method != "POST" or "keeps_old" in request.POST,
    }
    return render(request, "triggers/rotate_secret.html", context, status=422 if errors else 200)


@require_POST
@signed_in
def delete_trigger(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """Delete it with its log."""
    trigger = trigger_or_404(request, trigger_id)
    control.delete_trigger(trigger.pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is deleted.") % {"name": trigger.name})
    return go_to(request, reverse("runs:triggers"))


def show_credentials(
    request: PageRequest, trigger: Trigger, made: TriggerCredentials, *, is_new: bool = False, payload: str = ""
) -> HttpResponse:
    """The page that shows a new address or secret, once, with a request to try it: `payload`, or as `example_of`
    chooses one."""
    address = address_of(request, made.token) if made.token else ""
    context: dict[str, Any] = {"trigger": trigger, "address": address, "secret": made.secret, "is_new": is_new}
    if address:
        context["example"] = example_of(trigger, address, made.secret, payload=payload)
    return render(request, "triggers/credentials.html", context)


def address_of(request: HttpRequest, token: str) -> str:
    """The whole address with this token."""
    return request.build_absolute_uri(reverse("hook", args=[token]))


def trigger_or_404(request: PageRequest, trigger_id: UUID) -> Trigger:
    """The person's trigger with its agent and template."""
    found = Trigger.objects.select_related("agent", "template", "user").filter(user=request.user.pk)
    trigger = found.filter(pk=trigger_id).first()
    if trigger is None:
        raise Http404(gettext("There is no such trigger, or it is not yours."))
    return trigger
