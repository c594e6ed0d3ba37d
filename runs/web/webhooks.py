"""Webhooks of a person: their list, the page of one with its log, and what can be done with it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.engine import control
from runs.engine.control import WebhookRefused
from runs.engine.control.webhooks import MOST_WEBHOOKS
from runs.live.rendering.stored_words import refusal_words
from runs.models import Webhook, WebhookEvent
from runs.models.permissions import may_see_all
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.log_page import log_page, show_done
from runs.web.webhook_form import SCOPES, WebhookForm

PAGE_LENGTH: Final = 50
"""Events on one page, the latest first."""


@require_safe
@signed_in
def show_webhooks(request: PageRequest) -> HttpResponse:
    """The webhooks of the person, with what waits and when something was last delivered."""
    # By subqueries, each of which an index answers: a join would read the whole log of every webhook.
    events = WebhookEvent.objects.filter(webhook=OuterRef("pk")).order_by()
    pending = events.pending().values("webhook").annotate(count=Count("pk")).values("count")
    delivered = events.filter(state=WebhookEvent.State.DELIVERED).order_by("-pk").values("ended_at")[:1]
    webhooks = Webhook.objects.filter(user=request.user.pk).annotate(
        waiting=Subquery(pending), delivered_at=Subquery(delivered)
    )
    context = {"webhooks": webhooks, "may_add": len(webhooks) < MOST_WEBHOOKS, "most": MOST_WEBHOOKS}
    return render(request, "webhooks/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def new_webhook(request: PageRequest) -> HttpResponse:
    """The form of a new webhook. POST makes it and shows its secret, once; 422 with the form if it is refused."""
    form = WebhookForm(request.POST) if request.method == "POST" else WebhookForm(initial={"scope": "own"})
    if form.is_bound and form.is_valid():
        try:
            webhook, secret = control.create_webhook(form.settings(), user=request.user, by=request.user)
        except WebhookRefused as refused:
            form.refuse(refused)
        else:
            return _show_secret(request, webhook, secret, is_new=True)
    return _show_form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_webhook(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """The form of a webhook. POST stores it; 422 with the form if it is refused."""
    webhook = _webhook_or_404(request, webhook_id)
    form = WebhookForm(request.POST) if request.method == "POST" else WebhookForm.of(webhook)
    if form.is_bound and form.is_valid():
        try:
            control.change_webhook(webhook.pk, form.settings(), by=request.user)
        except WebhookRefused as refused:
            form.refuse(refused)
        else:
            return go_to(request, webhook.get_absolute_url())
    return _show_form(request, form, webhook)


@require_safe
@signed_in
def show_webhook(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """A webhook, and the log of its events; `?before=` goes on behind the event of that number."""
    webhook = _webhook_or_404(request, webhook_id)
    events = WebhookEvent.objects.visible_to(request.user).filter(webhook=webhook).select_related("run")
    log = log_page(request, events, length=PAGE_LENGTH)
    return render(request, "webhooks/webhook.html", {"webhook": webhook, "log": log})


@require_safe
@signed_in
def show_event(request: PageRequest, webhook_id: UUID, uid: UUID) -> HttpResponse:
    """An event: what is sent, and every attempt with its response."""
    event = _event_or_404(request, webhook_id, uid)
    context = {"event": event, "webhook": event.webhook, "attempts": event.log.order_by("-number")}
    return render(request, "webhooks/event.html", context)


@require_POST
@signed_in
def resend_event(request: PageRequest, webhook_id: UUID, uid: UUID) -> HttpResponse:
    """Send an event again, with its `webhook-id`."""
    event = _event_or_404(request, webhook_id, uid)
    _do(request, lambda: control.resend_event(event.uid, by=request.user), gettext("It is sent again."))
    return redirect("runs:webhook-event", webhook_id, uid)


@require_POST
@signed_in
def send_test(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """Send a test, and show its event."""
    webhook = _webhook_or_404(request, webhook_id)
    sent = _do(request, lambda: control.try_webhook(webhook.pk, by=request.user), gettext("A test is sent."))
    return redirect("runs:webhook-event", webhook.pk, sent.uid) if sent is not None else redirect(webhook)


@require_POST
@signed_in
def pause_webhook(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """Pause it."""
    webhook = control.pause_webhook(_webhook_or_404(request, webhook_id).pk, by=request.user)
    return show_done(request, webhook, gettext("“%(name)s” is paused."))


@require_POST
@signed_in
def resume_webhook(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """Resume a paused or disabled one."""
    webhook = control.resume_webhook(_webhook_or_404(request, webhook_id).pk, by=request.user)
    return show_done(request, webhook, gettext("“%(name)s” is active."))


@require_POST
@signed_in
@never_cache
def rotate_secret(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """Replace the secret and show the new one, once."""
    webhook = _webhook_or_404(request, webhook_id)
    secret = control.rotate_secret(webhook.pk, by=request.user)
    return _show_secret(request, webhook, secret, is_new=False)


@require_POST
@signed_in
def delete_webhook(request: PageRequest, webhook_id: UUID) -> HttpResponse:
    """Delete it with its log."""
    webhook = _webhook_or_404(request, webhook_id)
    control.delete_webhook(webhook.pk, by=request.user)
    messages.info(request, gettext("“%(name)s” is deleted.") % {"name": webhook.name})
    return go_to(request, reverse("runs:webhooks"))


def _do(request: PageRequest, work: Callable[[], WebhookEvent], told: str) -> WebhookEvent | None:
    """What `work` returns, with `told` as a toast; None with the reason as a toast if it is refused."""
    try:
        event = work()
    except WebhookRefused as refused:
        messages.warning(request, " ".join(refusal_words(ValueError(words)) for words in refused.faults.values()))
        return None
    messages.info(request, told)
    return event


def _show_form(request: PageRequest, form: WebhookForm, webhook: Webhook | None) -> HttpResponse:
    choices = {"types": Webhook.EventType.choices, "scopes": SCOPES}
    context: dict[str, Any] = {"form": form, "webhook": webhook, "sees_all": may_see_all(request.user), **choices}
    return render(request, "webhooks/edit.html", context, status=422 if form.errors else 200)


def _show_secret(request: PageRequest, webhook: Webhook, secret: str, *, is_new: bool) -> HttpResponse:
    return render(request, "webhooks/secret.html", {"webhook": webhook, "secret": secret, "is_new": is_new})


def _webhook_or_404(request: PageRequest, webhook_id: UUID) -> Webhook:
    webhook = Webhook.objects.filter(pk=webhook_id, user=request.user.pk).first()
    if webhook is None:
        raise Http404(gettext("There is no such webhook, or it is not yours."))
    return webhook


def _event_or_404(request: PageRequest, webhook_id: UUID, uid: UUID) -> WebhookEvent:
    seen = WebhookEvent.objects.visible_to(request.user).select_related("webhook", "run")
    event = seen.filter(webhook=webhook_id, uid=uid).first()
    if event is None:
        raise Http404(gettext("There is no such event, or it is not yours."))
    return event
