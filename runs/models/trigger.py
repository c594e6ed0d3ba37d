"""Triggers: addresses whose signed requests launch runs, and the log of their deliveries."""

import json
import uuid
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.models.agent import Agent
from runs.models.run import Run
from runs.models.signed_address import SignedAddress
from runs.models.task_template import TaskTemplate


class Trigger(SignedAddress):
    """An address of its own that launches runs of its owner, from requests that are signed with its secret."""

    class Scheme(models.TextChoices):
        """How its requests are proven."""

        GITHUB = "github", "GitHub"
        SLACK = "slack", "Slack"
        STANDARD = "standard", gettext_lazy("Standard Webhooks")
        HMAC = "hmac", gettext_lazy("HMAC in a header")
        TOKEN = "token", gettext_lazy("The address alone")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="triggers", verbose_name=pgettext_lazy("field", "user")
    )
    """Whose it is: its runs are theirs, launched with what they may do when a delivery comes."""
    agent = models.ForeignKey(
        Agent,
        on_delete=models.SET_NULL,
        null=True,
        related_name="triggers",
        verbose_name=pgettext_lazy("field", "agent"),
    )
    """Null after its end: then nothing is launched."""
    version = models.CharField(pgettext_lazy("field", "version"), max_length=40, blank=True, default="")
    """A label or the number of a version; empty for the current one."""
    template = models.ForeignKey(
        TaskTemplate,
        on_delete=models.SET_NULL,
        null=True,
        related_name="triggers",
        verbose_name=pgettext_lazy("field", "template"),
    )
    """Of the agent. Null for a task of its own, and after the template's end."""
    task = models.TextField(pgettext_lazy("field", "task"), blank=True, default="")
    """With places for inputs, as of a template; empty with one."""
    inputs = models.JSONField(pgettext_lazy("field", "inputs"), default=dict, blank=True)
    """The JMESPath expression of each input, by its name."""
    filter = models.TextField(pgettext_lazy("field", "filter"), blank=True, default="")
    """A JMESPath expression that must be true; empty for all deliveries."""
    scheme = models.CharField(pgettext_lazy("field", "signature"), max_length=8, choices=Scheme)
    hmac_rules = models.JSONField(default=dict, blank=True)
    """Of the scheme `hmac`; `runs.engine.triggers.signatures` reads them."""
    window_s = models.PositiveIntegerField(pgettext_lazy("field", "window in seconds"), default=300)
    """How long the same body is the same delivery, where the sender names none; 0: each is a new one."""
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the token in its address, in hexadecimal."""
    token_prefix = models.CharField(pgettext_lazy("field", "beginning of the address"), max_length=12)
    """The token's first characters, to tell addresses apart."""
    secret = models.TextField(blank=True, default="")
    """Of its signatures, sealed; empty without one."""
    paused_at = models.DateTimeField(pgettext_lazy("field", "paused at"), null=True)
    """While it is paused, deliveries are kept and launch nothing."""
    updated_at = models.DateTimeField(pgettext_lazy("field", "updated at"), auto_now=True)

    class Meta(SignedAddress.Meta):
        verbose_name = pgettext_lazy("model", "trigger")
        verbose_name_plural = pgettext_lazy("model", "triggers")

    def get_absolute_url(self) -> str:
        return reverse("runs:trigger", args=[self.pk])

    @property
    def is_paused(self) -> bool:
        """True while it launches nothing."""
        return self.paused_at is not None


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Queries on deliveries."""

    def visible_to(self, user: Any) -> Self:
        """Those of the user's triggers."""
        return self.filter(trigger__user=user)


class Delivery(models.Model):
    """One request to a trigger, or the replay of one, and what came of it. Written in one transaction with its run."""

    class State(models.TextChoices):
        """What came of it. Answered: a test of the sender, such as GitHub's ping."""

        LAUNCHED = "launched", pgettext_lazy("delivery", "Launched")
        FILTERED = "filtered", pgettext_lazy("delivery", "Filtered out")
        UNMAPPED = "unmapped", pgettext_lazy("delivery", "Inputs not made")
        REFUSED = "refused", pgettext_lazy("delivery", "Not launched")
        PAUSED = "paused", pgettext_lazy("delivery", "Came while paused")
        ANSWERED = "answered", pgettext_lazy("delivery", "Test answered")

    FAILED: Final = (State.UNMAPPED, State.REFUSED)

    uid = models.UUIDField(pgettext_lazy("field", "identifier"), unique=True, default=uuid.uuid4, editable=False)
    trigger = models.ForeignKey(
        Trigger,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=pgettext_lazy("model", "trigger"),
        db_index=False,  # the indexes begin with it
    )
    key = models.CharField(pgettext_lazy("field", "named by the sender"), max_length=200, blank=True, default="")
    """The sender's name of the delivery; empty without one."""
    body_hash = models.CharField(max_length=64)
    """SHA-256 of the body as it came, in hexadecimal."""
    event = models.CharField(pgettext_lazy("field", "event"), max_length=80, blank=True, default="")
    """In the sender's words; empty if it does not say."""
    headers = models.JSONField(pgettext_lazy("field", "headers"), default=dict)
    payload = models.TextField(pgettext_lazy("field", "payload"), blank=True, default="")
    """The body as JSON, without secrets; empty once it is no longer kept."""
    payload_bytes = models.PositiveIntegerField(pgettext_lazy("field", "size"), default=0)
    """Of the body as it came."""
    state = models.CharField(pgettext_lazy("field", "state"), max_length=8, choices=State)
    reason = models.JSONField(default=list, blank=True)
    """The parts of a `Wording`: why nothing was launched; empty for a launch."""
    run = models.OneToOneField(
        Run, on_delete=models.SET_NULL, null=True, related_name="delivery", verbose_name=pgettext_lazy("model", "run")
    )
    """Null if nothing was launched, and after the run's end."""
    replay_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="replays",
        verbose_name=pgettext_lazy("field", "replay of"),
        db_index=False,
    )
    """The delivery that it repeats, by a person's wish; null for a request."""
    replayed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=pgettext_lazy("field", "replayed by"),
        db_index=False,
    )
    """Who wished that; null for a request, and for the command line."""
    repeats = models.PositiveIntegerField(pgettext_lazy("field", "repeats"), default=0)
    """How often the sender has sent it again, without effect."""
    received_at = models.DateTimeField(pgettext_lazy("field", "received at"))

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "delivery")
        verbose_name_plural = pgettext_lazy("model", "deliveries")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["trigger", "key"], condition=~Q(key=""), name="delivery_once"),
        ]
        indexes = [
            models.Index(fields=["trigger", "-id"], name="delivery_log"),
            models.Index(fields=["trigger", "body_hash", "-id"], name="delivery_by_body"),
            models.Index(fields=["replay_of"], name="delivery_replays", condition=Q(replay_of__isnull=False)),
            models.Index(fields=["received_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger_id} {self.uid}"

    @property
    def body(self) -> Any:
        """The payload as JSON. Raises `ValueError` once it is no longer kept."""
        return json.loads(self.payload)
