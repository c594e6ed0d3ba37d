"""What people say to a run while it works."""

import uuid
from typing import Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from runs.models.run import Run


class RunMessageQuerySet(models.QuerySet["RunMessage"]):
    """Queries on messages."""

    def queued(self) -> Self:
        """The messages that wait to be read, in order."""
        return self.filter(state=RunMessage.State.QUEUED).order_by("position")


class RunMessage(models.Model):
    """A message to a run. Its host reads all that are queued before a reply is asked for, in their order, and in one
    transaction with their steps; `Run.queued_messages` counts them."""

    class State(models.TextChoices):
        """queued -> read | withdrawn. A queued message of an ended run was not read; a resume may still read it."""

        QUEUED = "queued", pgettext_lazy("message", "Queued")
        READ = "read", pgettext_lazy("message", "Read")
        WITHDRAWN = "withdrawn", pgettext_lazy("message", "Withdrawn")

    MAX_BYTES: Final = 32 * 1024
    """The longest text, in UTF-8."""
    MAX_QUEUED: Final = 20
    """Messages of a run that may wait at the same time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="messages", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=pgettext_lazy("field", "user"),
    )
    """The person who sent it; null for the command line."""
    position = models.PositiveIntegerField(pgettext_lazy("field", "position"))
    """Its place among all messages of the run, from 1."""
    text = models.TextField(pgettext_lazy("field", "text"))
    state = models.CharField(pgettext_lazy("field", "state"), max_length=9, choices=State, default=State.QUEUED)
    interrupts = models.BooleanField(pgettext_lazy("field", "interrupts"), default=False)
    """It is to interrupt the reply in progress."""
    key = models.CharField(max_length=255, null=True)
    """The key of the request that sent it, if it had one: the same request twice sends one message."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), default=timezone.now)
    edited_at = models.DateTimeField(pgettext_lazy("field", "edited at"), null=True)
    """When its text was last changed; null if it never was."""
    read_at = models.DateTimeField(pgettext_lazy("field", "read at"), null=True)
    read_before_turn = models.PositiveIntegerField(pgettext_lazy("field", "read before turn"), null=True)
    """The turn whose reply is the first one about it; null until it is read."""

    objects = RunMessageQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "message")
        verbose_name_plural = pgettext_lazy("model", "messages")
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="message_position"),
            models.UniqueConstraint(fields=["run", "user", "key"], name="message_key", condition=Q(key__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.text[:60]}"

    @property
    def is_left_unread(self) -> bool:
        """True if its run has ended without reading it. Reads `run`."""
        return self.state == self.State.QUEUED and self.run.is_finished
