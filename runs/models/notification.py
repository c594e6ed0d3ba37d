"""Notifications: what a rule tells a person once, and its delivery by each channel."""

import uuid
from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.notification_rule import NotificationChannel, NotificationRule
from runs.models.outbox_rows import OutboxQuerySet
from runs.models.permissions import may_see_all
from runs.models.run import Run

STILL_SO: Final = ~Q(event=NotificationRule.Event.NEEDS_PERSON) | Q(
    run__status=Run.Status.WAITING, run__waiting_for__in=Run.ASKING, run__epoch=F("run_epoch")
)
"""Without waits for a person that are over: a claim of the run, or its end, has ended them."""


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Queries on notifications."""

    def visible_to(self, user: Any) -> Self:
        """Those of the user, about what they may see now: their own, and everybody's with the permission to see it."""
        if may_see_all(user):
            return self.filter(user=user)
        of_no_run = Q(run=None) & (Q(rule=None) | Q(rule__is_for_all=False))
        return self.filter(of_no_run | Q(run__in=Run.objects.visible_to(user)), user=user)

    def in_page(self, user: Any, now: datetime) -> Self:
        """Those that open pages of the user tell and that they have not seen, of what still is so."""
        unseen = self.visible_to(user).filter(seen_at=None, in_page=True, due_at__lte=now)
        return unseen.filter(STILL_SO)


class Notification(models.Model):
    """What a rule tells its person once: written with the change itself."""

    TEST: Final = "channel.test"
    """The event of a test, which is of no rule."""

    id = models.UUIDField(primary_key=True, editable=False)
    """uuid5 of the rule and the key: a change that is noted twice is told once."""
    rule = models.ForeignKey(
        NotificationRule,
        on_delete=models.CASCADE,
        null=True,
        related_name="notifications",
        verbose_name=pgettext_lazy("model", "notification rule"),
    )
    """Null for a test."""
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notifications",
        db_index=False,
        verbose_name=pgettext_lazy("field", "user"),
    )
    event = models.CharField(pgettext_lazy("field", "event"), max_length=24)
    """A value of `NotificationRule.Event`, or `TEST`."""
    run = models.ForeignKey(
        Run,
        on_delete=models.CASCADE,
        null=True,
        related_name="notifications",
        verbose_name=pgettext_lazy("model", "run"),
    )
    """Null for what is of no single run."""
    run_epoch = models.PositiveIntegerField(default=0)
    """The epoch of the run when it happened: a wait for a person is over once the run has another one."""
    key = models.CharField(max_length=200)
    """What happened: equal for the same."""
    title = models.CharField(max_length=200, blank=True, default="")
    """What is told of no single run; that of a run is made when it is sent, with what stands here: the value
    of `Run.WaitingFor` that a waiting one had."""
    text = models.TextField(blank=True, default="")
    parts = models.JSONField(default=dict)
    """Of an alert what `title` and `text` are made of, to say it in the reader's language: the `name` of its rule, the
    `level`, and the reason as `said_in` has it. Empty for others."""
    path = models.CharField(max_length=500, blank=True, default="")
    """The page that shows more, from the root of the site."""
    in_page = models.BooleanField(default=True)
    """The rule tells on open pages too."""
    due_at = models.DateTimeField(pgettext_lazy("field", "due at"))
    """When to tell it: later than it happened if the rule waits."""
    seen_at = models.DateTimeField(pgettext_lazy("field", "seen at"), null=True)
    """When a page of the person showed it; null before."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"))

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "notification")
        verbose_name_plural = pgettext_lazy("model", "notifications")
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["rule", "key"], name="notification_once")]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_log"),
            models.Index(fields=["user", "due_at"], name="notification_unseen", condition=Q(seen_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"

    @property
    def event_label(self) -> str:
        """What happened, in words."""
        labels = dict(NotificationRule.Event.choices)
        return str(labels.get(self.event, gettext_lazy("Test")))


class NotificationDeliveryQuerySet(OutboxQuerySet["NotificationDelivery"]):
    """Queries on deliveries."""

    def visible_to(self, user: Any) -> Self:
        """Those of the user's notifications, about runs that they may see now."""
        return self.filter(notification__in=Notification.objects.visible_to(user))


class NotificationDelivery(models.Model):
    """A notification on its way by one channel: sent until the service takes it."""

    class State(models.TextChoices):
        """pending -> sent | failed | withdrawn | gathered. Failed: no attempt of a day succeeded. Withdrawn: decided
        before, or the person may not see the run any more. Gathered: told by the summary that `gathered_into` is."""

        PENDING = "pending", pgettext_lazy("notification", "Waiting")
        SENT = "sent", pgettext_lazy("notification", "Sent")
        FAILED = "failed", pgettext_lazy("notification", "Failed")
        WITHDRAWN = "withdrawn", pgettext_lazy("notification", "Withdrawn")
        GATHERED = "gathered", pgettext_lazy("notification", "In a summary")

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    channel = models.ForeignKey(
        NotificationChannel, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
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
    tried_at = models.DateTimeField(null=True)
    """When the last attempt began; null before."""
    ended_at = models.DateTimeField(pgettext_lazy("field", "ended at"), null=True)
    """When it was sent or given up."""
    error = models.CharField(pgettext_lazy("field", "error"), max_length=500, blank=True, default="")
    """What went wrong in the last attempt, without secrets; empty otherwise."""
    gathered_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="gathered")
    """The delivery whose summary tells this one; null for others."""
    gathers = models.PositiveIntegerField(default=0)
    """How many others it tells of too; 0 unless it is a summary."""
    reference = models.CharField(max_length=500, blank=True, default="")
    """What the service calls the message, where it can be changed later; empty otherwise."""

    objects = NotificationDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "notification delivery")
        verbose_name_plural = pgettext_lazy("model", "notification deliveries")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["notification", "channel"], name="notification_delivery_once")]
        indexes = [
            models.Index(fields=["channel", "due_at"], name="notification_due", condition=Q(state="pending")),
            models.Index(fields=["channel", "tried_at"], name="notification_tried"),
            models.Index(
                fields=["channel"], name="notification_changeable", condition=Q(state="sent") & ~Q(reference="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notification_id} {self.channel_id}"
