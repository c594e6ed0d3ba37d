"""Webhooks: addresses that are told what happens to runs, the events they are told, and each attempt to do so."""

import uuid
from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.outbox_rows import OutboxQuerySet
from runs.models.permissions import may_see_all
from runs.models.run import Run
from runs.models.signed_address import SignedAddress

ABOUT_EVERYBODY: Final = '"for_all":true'
"""In the body of an event: it is about everybody's runs, as an alert can be. No text in a body has these signs: its
quotes are escaped."""


class WebhookQuerySet(models.QuerySet["Webhook"]):
    """Queries on webhooks."""

    def active(self) -> Self:
        """Those that are told of events, and to which these are sent."""
        return self.filter(state=Webhook.State.ACTIVE)

    def told_of(self, run: Run) -> Self:
        """The active ones that are told of this run, as far as it depends on its owner."""
        of_owner = Q(is_for_all=True) if run.user_id is None else Q(is_for_all=True) | Q(user=run.user_id)
        return self.active().filter(of_owner)


class Webhook(SignedAddress):
    """An address that is told of the runs of one person, or of everybody's, by signed requests."""

    class State(models.TextChoices):
        """active <-> paused; disabled by the site: the receiver is gone or has failed for days. A person activates it
        again. Only an active one is told of what happens, and sent to."""

        ACTIVE = "active", pgettext_lazy("webhook", "Active")
        PAUSED = "paused", pgettext_lazy("webhook", "Paused")
        DISABLED = "disabled", pgettext_lazy("webhook", "Disabled")

    class Disabled(models.TextChoices):
        """Why it is disabled."""

        GONE = "gone", gettext_lazy("The receiver answered 410 Gone: it wants no more requests.")
        FAILING = "failing", gettext_lazy("Every request of the last days has failed.")
        SEALED = (
            "sealed",
            gettext_lazy("Its secret was stored with another secret key of the site. Replace the secret."),
        )

    class EventType(models.TextChoices):
        """What it can be told; the values are the `type` of the requests."""

        COMPLETED = "run.completed", gettext_lazy("A run is completed")
        FAILED = "run.failed", gettext_lazy("A run failed")
        CANCELLED = "run.cancelled", gettext_lazy("A run was stopped")
        NEEDS_PERSON = "run.needs_person", gettext_lazy("A run needs a person")
        BUDGET_REACHED = "run.budget_reached", gettext_lazy("A run reached one of its limits")
        ALERT_RAISED = "alert.raised", gettext_lazy("An alert rule is raised")
        ALERT_RESOLVED = "alert.resolved", gettext_lazy("A raised alert rule is fine again")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks", verbose_name=pgettext_lazy("field", "user")
    )
    """Whose it is. It tells only of runs that this person may see when the request is sent."""
    url = models.CharField(pgettext_lazy("field", "address"), max_length=2000)
    event_types = models.JSONField(pgettext_lazy("field", "events"), default=list)
    """Values of `EventType`."""
    is_for_all = models.BooleanField(pgettext_lazy("field", "everybody's runs"), default=False)
    """True: of all runs; false: of the runs of `user`."""
    includes_answer = models.BooleanField(pgettext_lazy("field", "includes the answer"), default=False)
    state = models.CharField(pgettext_lazy("field", "state"), max_length=8, choices=State, default=State.ACTIVE)
    disabled_because = models.CharField(max_length=7, choices=Disabled, blank=True, default="")
    """Empty unless it is disabled."""
    secret = models.TextField()
    """The signing secret, sealed."""
    failing_since = models.DateTimeField(pgettext_lazy("field", "failing since"), null=True)
    """The first failed attempt after the last one that succeeded; null if the last one succeeded."""
    tried_at = models.DateTimeField(null=True)
    """When events were last claimed; null before. The webhooks have their turns by it."""

    objects = WebhookQuerySet.as_manager()

    class Meta(SignedAddress.Meta):
        verbose_name = pgettext_lazy("model", "webhook")
        verbose_name_plural = pgettext_lazy("model", "webhooks")
        indexes = [models.Index(fields=["id"], name="webhook_active", condition=Q(state="active"))]

    def get_absolute_url(self) -> str:
        return reverse("runs:webhook", args=[self.pk])

    @property
    def event_labels(self) -> list[str]:
        """The labels of what it is told."""
        return [str(each.label) for each in self.EventType if each in self.event_types]


class WebhookEventQuerySet(OutboxQuerySet["WebhookEvent"]):
    """Queries on events."""

    def in_order(self, now: datetime) -> Self:
        """Without those before which an event of the same run has to be sent to the same webhook: one that was not
        tried yet, or is being sent. One that waits for another try holds nothing back."""
        before = WebhookEvent.objects.pending().filter(run=OuterRef("run"), webhook=OuterRef("webhook"))
        first = Q(attempts=F("attempts_before")) | Q(claimed_until__gte=now)
        return self.exclude(Exists(before.filter(first, pk__lt=OuterRef("pk"))), run__isnull=False)

    def visible_to(self, user: Any) -> Self:
        """Those of the user's webhooks, about what they may see now."""
        theirs = self.filter(webhook__user=user)
        if may_see_all(user):
            return theirs
        of_no_run = Q(run=None) & ~Q(body__contains=ABOUT_EVERYBODY)
        return theirs.filter(of_no_run | Q(run__in=Run.objects.visible_to(user)))


class WebhookEvent(models.Model):
    """What one webhook is told once: written with the change of the run, then sent until the receiver takes it."""

    class State(models.TextChoices):
        """pending -> delivered | failed | withdrawn. Failed: no attempt of a day succeeded. Withdrawn: the owner may
        not see the run any more. A person may send each of them again."""

        PENDING = "pending", pgettext_lazy("webhook event", "Waiting")
        DELIVERED = "delivered", pgettext_lazy("webhook event", "Delivered")
        FAILED = "failed", pgettext_lazy("webhook event", "Failed")
        WITHDRAWN = "withdrawn", pgettext_lazy("webhook event", "Withdrawn")

    TEST: Final = "webhook.test"
    """The type of a test, which is about no run."""

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    """In the header `webhook-id` of every attempt: by it a receiver knows an event it had before."""
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="events", db_index=False)
    run = models.ForeignKey(
        Run,
        on_delete=models.CASCADE,
        null=True,
        related_name="webhook_events",
        verbose_name=pgettext_lazy("model", "run"),
    )
    """Null for a test, and for what is of no single run."""
    type = models.CharField(pgettext_lazy("field", "event"), max_length=24)
    """A value of `Webhook.EventType`, or `TEST`."""
    sequence = models.PositiveIntegerField(default=0)
    """The last step of the run when it happened; 0 for a test."""
    body = models.TextField()
    """The JSON that is sent, the same with every attempt."""
    state = models.CharField(pgettext_lazy("field", "state"), max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(pgettext_lazy("field", "attempts"), default=0)
    """Attempts begun so far."""
    attempts_before = models.PositiveSmallIntegerField(default=0)
    """Those before a person last had it sent again: the retries begin anew then."""
    due_at = models.DateTimeField(null=True)
    """When to try it next; null unless pending."""
    expires_at = models.DateTimeField()
    """No attempt begins after this."""
    claimed_until = models.DateTimeField(null=True)
    """A process sends it now, which has this long to record what came of it; null otherwise."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"))
    ended_at = models.DateTimeField(pgettext_lazy("field", "ended at"), null=True)
    """When it was delivered or given up."""

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "webhook event")
        verbose_name_plural = pgettext_lazy("model", "webhook events")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "run", "type", "sequence"], name="webhook_event_once"),
        ]
        indexes = [
            models.Index(fields=["webhook", "due_at"], name="webhook_event_due", condition=Q(state="pending")),
            models.Index(fields=["webhook", "-id"], name="webhook_event_log"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"

    @property
    def is_about_everybody(self) -> bool:
        """True if it is of no run and tells of everybody's."""
        return self.run_id is None and ABOUT_EVERYBODY in self.body

    @property
    def message_id(self) -> str:
        """The header `webhook-id`."""
        return f"evt_{self.uid.hex}"


class WebhookAttempt(models.Model):
    """One request that tells an event, and its response."""

    class Outcome(models.TextChoices):
        """How it ended. Open: it is being sent, or its process ended before it was recorded."""

        OPEN = "open", pgettext_lazy("webhook attempt", "No result recorded")
        DELIVERED = "delivered", pgettext_lazy("webhook attempt", "Taken by the receiver")
        REFUSED = "refused", pgettext_lazy("webhook attempt", "Not taken by the receiver")
        REDIRECT = "redirect", pgettext_lazy("webhook attempt", "Redirected, which is not followed")
        TIMEOUT = "timeout", pgettext_lazy("webhook attempt", "No response in time")
        CONNECTION = "connection", pgettext_lazy("webhook attempt", "No connection")
        TLS = "tls", pgettext_lazy("webhook attempt", "No trusted encryption")
        BROKEN = "broken", pgettext_lazy("webhook attempt", "Connection broken, or no HTTP")
        ADDRESS = "address", pgettext_lazy("webhook attempt", "Address not allowed or not found")
        SEALED = "sealed", pgettext_lazy("webhook attempt", "Secret not readable")

    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="log", db_index=False)
    number = models.PositiveSmallIntegerField(pgettext_lazy("field", "attempt"))
    """From 1, over all of the event."""
    started_at = models.DateTimeField(pgettext_lazy("field", "started at"))
    outcome = models.CharField(pgettext_lazy("field", "outcome"), max_length=10, choices=Outcome, default=Outcome.OPEN)
    status = models.PositiveSmallIntegerField(pgettext_lazy("field", "status"), null=True)
    """Of HTTP; null without a response."""
    duration_ms = models.PositiveIntegerField(pgettext_lazy("field", "duration in ms"), null=True)
    response = models.TextField(pgettext_lazy("field", "response"), blank=True, default="")
    """The beginning of the response's body, or what went wrong: readable, without known secrets."""
    is_cut = models.BooleanField(default=False)
    """True if the response was longer."""

    class Meta:
        verbose_name = pgettext_lazy("model", "webhook attempt")
        verbose_name_plural = pgettext_lazy("model", "webhook attempts")
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["event", "number"], name="webhook_attempt_number")]

    def __str__(self) -> str:
        return f"{self.event_id} {self.number}"

    @property
    def duration_s(self) -> float | None:
        """Seconds from its beginning to the status of the response, or to the failure; None if it is not recorded."""
        return None if self.duration_ms is None else self.duration_ms / 1000
