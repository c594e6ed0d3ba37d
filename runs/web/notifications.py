"""Notifications of a person: rules, channels and the log, what pages have told, and sending a delivery again."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from runs.engine.control.notification_channels import MOST_CHANNELS, NotificationRefused, mark_seen, resend_delivery
from runs.engine.control.notification_rules import MOST_RULES
from runs.engine.notifications.message_texts import path_of, title_of
from runs.live.rendering.stored_words import refusal_words
from runs.models import Notification, NotificationChannel, NotificationDelivery, NotificationRule
from runs.web.access import PageRequest, signed_in
from runs.web.notification_words import sentence_of

LOG_LENGTH: Final = 30
"""Notifications on the page, the latest first."""
MOST_SEEN: Final = 100
"""Ids in one request."""


@require_safe
@signed_in
@never_cache
def show_notifications(request: PageRequest) -> HttpResponse:
    """The rules, the channels and the log. What is due counts as seen."""
    rules = NotificationRule.objects.visible_to(request.user).select_related("agent").prefetch_related("channels")
    channels = NotificationChannel.objects.filter(user=request.user.pk)
    seen = Notification.objects.visible_to(request.user).exclude(event=Notification.TEST, deliveries=None)
    log = seen.select_related("rule", "run__schedule", "run__user").prefetch_related("deliveries__channel")
    found = list(log.order_by("-created_at", "-pk")[:LOG_LENGTH])
    mark_seen(request.user)
    context = {
        "rules": [(rule, sentence_of(rule)) for rule in rules],
        "channels": channels,
        "log": [(each, title_of(each), path_of(each)) for each in found],
        "may_add_rule": len(rules) < MOST_RULES,
        "may_add_channel": len(channels) < MOST_CHANNELS,
    }
    return render(request, "notifications/index.html", context)


@require_POST
@signed_in
def see_notifications(request: PageRequest) -> HttpResponse:
    """Note that a page has told the notifications whose ids are posted."""
    ids = []
    for text in request.POST.getlist("id")[:MOST_SEEN]:
        try:
            ids.append(UUID(text))
        except ValueError:
            return JsonResponse({"error": "id"}, status=422)
    return JsonResponse({"seen": mark_seen(request.user, ids)})


@require_POST
@signed_in
def send_again(request: PageRequest, notice_id: UUID) -> HttpResponse:
    """Send a delivery again."""
    delivery = NotificationDelivery.objects.visible_to(request.user).filter(uid=notice_id).first()
    if delivery is None:
        raise Http404(gettext("There is no such notification, or it is not yours."))
    say_what_came(request, lambda: resend_delivery(notice_id, by=request.user), gettext("It is sent again."))
    return redirect("runs:notifications")


def say_what_came(request: PageRequest, work: Callable[[], object], told: str) -> None:
    """Do the work and say `told` in a toast, or why it was refused."""
    try:
        work()
    except NotificationRefused as refused:
        messages.warning(request, " ".join(refusal_words(ValueError(words)) for words in refused.faults.values()))
    else:
        messages.info(request, told)
