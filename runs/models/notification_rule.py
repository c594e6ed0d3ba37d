"""What tells a person of their runs: channels, by which they are told, and rules, which say of what."""

import uuid
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.run import Run

MAX_NOTIFICATION_NAME_CHARS: Final = 80
MAX_ADDRESS_CHARS: Final = 2000
LONGEST_WAIT_S: Final = 30 * 24 * 3600
"""For which a rule can hold a notification back."""


class NotificationChannel(models.Model):
    """A way to tell one person: an address and its kind."""

    class Kind(models.TextChoices):
        """How it is told."""

        EMAIL = "email", gettext_lazy("E-mail")
        APPRISE = "apprise", gettext_lazy("Messenger or other service")
        WEB_PUSH = "web_push", gettext_lazy("This device")
        SLACK = "slack", "Slack"

    class State(models.TextChoices):
        """active <-> paused; disabled by the site: the address takes nothing any more. A person activates it again."""

        ACTIVE = "active", pgettext_lazy("channel", "Active")
        PAUSED = "paused", pgettext_lazy("channel", "Paused")
        DISABLED = "disabled", pgettext_lazy("channel", "Disabled")

    class Disabled(models.TextChoices):
        """Why it is disabled."""

        GONE = "gone", gettext_lazy("The service says that this address takes nothing any more.")
        FAILING = "failing", gettext_lazy("Every attempt of the last days has failed.")
        SEALED = (
            "sealed",
            gettext_lazy("Its address was stored with another secret key of the site. Type the address again."),
        )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notification_channels",
        verbose_name=pgettext_lazy("field", "user"),
    )
    kind = models.CharField(pgettext_lazy("field", "kind"), max_length=8, choices=Kind)
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_NOTIFICATION_NAME_CHARS)
    address = models.TextField()
    """Sealed: `runs.engine.notifications.addresses` reads it."""
    shown_address = models.CharField(pgettext_lazy("field", "address"), max_length=320, blank=True, default="")
    """As pages show it: the e-mail address, or what is no secret of another one."""
    language = models.CharField(max_length=16, blank=True, default="")
    """In which it is told: that of the page where it was made; empty for the site's."""
    state = models.CharField(pgettext_lazy("field", "state"), max_length=8, choices=State, default=State.ACTIVE)
    disabled_because = models.CharField(max_length=7, choices=Disabled, blank=True, default="")
    """Empty unless it is disabled."""
    failing_since = models.DateTimeField(pgettext_lazy("field", "failing since"), null=True)
    """The first failed attempt after the last one that succeeded; null if the last one succeeded."""
    last_error = models.CharField(max_length=500, blank=True, default="")
    """Of the last attempt; empty if it succeeded."""
    sent_at = models.DateTimeField(pgettext_lazy("field", "last sent"), null=True)
    """When something was last sent; null for never."""
    tried_at = models.DateTimeField(null=True)
    """When deliveries were last claimed; null before. The channels have their turns by it."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "notification channel")
        verbose_name_plural = pgettext_lazy("model", "notification channels")
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["id"], name="channel_active", condition=Q(state="active"))]

    def __str__(self) -> str:
        return self.name


class NotificationRuleQuerySet(models.QuerySet["NotificationRule"]):
    """Queries on rules."""

    def told_of(self, run: Run) -> Self:
        """The active ones that are about this run, as far as it depends on its owner and agent."""
        of_owner = Q(is_for_all=True) if run.user_id is None else Q(is_for_all=True) | Q(user=run.user_id)
        of_agent = Q(agent=None) if run.agent_id is None else Q(agent=None) | Q(agent=run.agent_id)
        return self.filter(of_owner, of_agent, is_active=True)

    def visible_to(self, user: Any) -> Self:
        """The user's own."""
        return self.filter(user=user)


class NotificationRule(models.Model):
    """Of what a person wants to be told, and how: by channels, and on the pages that they have open."""

    class Event(models.TextChoices):
        """What happens."""

        COMPLETED = "run.completed", gettext_lazy("A run is completed")
        FAILED = "run.failed", gettext_lazy("A run failed")
        CANCELLED = "run.cancelled", gettext_lazy("A run was stopped")
        NEEDS_PERSON = "run.needs_person", gettext_lazy("A run waits for a person")
        BUDGET_REACHED = "run.budget_reached", gettext_lazy("A run reached one of its limits")
        SCHEDULE_STOPPED = "schedule.stopped", gettext_lazy("A schedule stopped after failures")
        ALERT_RAISED = "alert.raised", gettext_lazy("An alert is raised")
        ALERT_RESOLVED = "alert.resolved", gettext_lazy("An alert is over")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notification_rules",
        verbose_name=pgettext_lazy("field", "user"),
    )
    """Whom it tells, of what they may see when it is sent."""
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_NOTIFICATION_NAME_CHARS)
    events = models.JSONField(pgettext_lazy("field", "events"), default=list)
    """Values of `Event`."""
    is_for_all = models.BooleanField(pgettext_lazy("field", "everybody's runs"), default=False)
    """True: of everybody's runs; false: of the runs of `user`."""
    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.CASCADE,
        null=True,
        related_name="notification_rules",
        verbose_name=pgettext_lazy("field", "agent"),
    )
    """Only of its runs; null for those of all agents."""
    waits_over_s = models.PositiveIntegerField(default=0)
    """How long a run has to wait for a person before that is told, in seconds; 0 for at once."""
    channels = models.ManyToManyField(NotificationChannel, related_name="rules")
    in_page = models.BooleanField(pgettext_lazy("field", "on open pages"), default=True)
    is_active = models.BooleanField(pgettext_lazy("field", "active"), default=True)
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    objects = NotificationRuleQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "notification rule")
        verbose_name_plural = pgettext_lazy("model", "notification rules")
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["id"], name="rule_active", condition=Q(is_active=True))]

    def __str__(self) -> str:
        return self.name

    @property
    def event_labels(self) -> list[str]:
        """The labels of what it tells."""
        return [str(each.label) for each in self.Event if each in self.events]
