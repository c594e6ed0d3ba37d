"""Tools that are kept as rows: those of MCP servers, and the operations of APIs."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.tools.function_tool import EFFECTS
from runs.agent.tools.source_names import MAX_SOURCE_NAME

MAX_REMOTE_NAME: Final = 200
MAX_TOOL_NAME: Final = 64
"""What every model provider accepts as the name of a tool."""
_EFFECTS: Final = [(each, each) for each in EFFECTS]


class ToolSource(models.Model):
    """An MCP server or an API whose tools are stored. Its name is the namespace of their names."""

    class Kind(models.TextChoices):
        """What it is."""

        MCP = "mcp", gettext_lazy("MCP server")
        OPENAPI = "openapi", gettext_lazy("API")

    class State(models.TextChoices):
        """What was last known of it, in any process of the site."""

        NEW = "new", gettext_lazy("Never connected")
        CONNECTED = "connected", gettext_lazy("Connected")
        IDLE = "idle", gettext_lazy("Not connected now")
        FAILED = "failed", gettext_lazy("Failed")
        SIGNED_OUT = "signed_out", gettext_lazy("Needs a sign-in")

    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_SOURCE_NAME, unique=True)
    """Lower-case ASCII letters, digits and single underscores; begins with a letter."""
    kind = models.CharField(pgettext_lazy("field", "kind"), max_length=7, choices=Kind)
    options = models.JSONField(default=dict)
    """How it is reached. Names of secrets, never their values."""
    state = models.CharField(pgettext_lazy("field", "state"), max_length=10, choices=State, default=State.NEW)
    state_since = models.DateTimeField(pgettext_lazy("field", "state since"))
    last_error = models.TextField(pgettext_lazy("field", "last error"), blank=True)
    last_error_at = models.DateTimeField(null=True)
    log = models.TextField(blank=True)
    """The end of what its program wrote to its standard error, without secrets."""
    facts = models.JSONField(default=dict)
    """What it says of itself: `name`, `version`, `protocol`."""
    listed_at = models.DateTimeField(pgettext_lazy("field", "listed at"), null=True)
    """When its tools were listed last."""
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="tool_sources"
    )
    """Null for one that the site's settings name."""
    added_at = models.DateTimeField(pgettext_lazy("field", "added at"))

    class Meta:
        verbose_name = pgettext_lazy("model", "source of tools")
        verbose_name_plural = pgettext_lazy("model", "sources of tools")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The page of the source."""
        page = "runs:tool-api" if self.kind == self.Kind.OPENAPI else "runs:tool-source"
        return reverse(page, args=[self.name])


class StoredToolQuerySet(models.QuerySet["StoredTool"]):
    """Queries on stored tools."""

    def changed(self) -> "StoredToolQuerySet":
        """Those that differ from what staff approved."""
        return self.filter(~Q(approved_hash=""), ~Q(hash=F("approved_hash")))


class StoredTool(models.Model):
    """A tool of a source. It is offered while it is turned on, listed, and as it was approved."""

    source = models.ForeignKey(ToolSource, on_delete=models.CASCADE, related_name="tools", db_index=False)
    remote_name = models.CharField(max_length=MAX_REMOTE_NAME)
    """As its source calls it."""
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_TOOL_NAME, unique=True)
    """As models call it; never another one later."""
    description = models.TextField(pgettext_lazy("field", "description"), blank=True)
    schema = models.JSONField()
    """The JSON Schema of its arguments."""
    request = models.JSONField(default=dict)
    """How the request of an operation is made: its method, its path, and where its arguments go. Empty for MCP."""
    hints = models.JSONField(default=dict)
    """What the source says of its effect, which nobody need believe."""
    hash = models.CharField(max_length=64)
    """SHA-256 of remote name, description, schema and request as they are now."""
    fault = models.TextField(blank=True)
    """Why it cannot be offered as it is: its schema is none, or too large. Empty if it can."""
    is_listed = models.BooleanField(default=True)
    """False once its source no longer lists it."""
    is_enabled = models.BooleanField(default=False)
    effect = models.CharField(pgettext_lazy("field", "effect"), max_length=10, choices=_EFFECTS, default="unsafe")
    """Set by staff."""
    approved_hash = models.CharField(max_length=64, blank=True)
    """The hash of what staff approved; empty before."""
    approved_description = models.TextField(blank=True)
    approved_schema = models.JSONField(null=True)
    approved_request = models.JSONField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(pgettext_lazy("field", "approved at"), null=True)

    objects = StoredToolQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "stored tool")
        verbose_name_plural = pgettext_lazy("model", "stored tools")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["source", "remote_name"], name="one_tool_per_remote_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_approved(self) -> bool:
        """True if it is as staff approved it."""
        return bool(self.approved_hash) and self.hash == self.approved_hash

    @property
    def is_changed(self) -> bool:
        """True if it was approved once, and is another one now."""
        return bool(self.approved_hash) and self.hash != self.approved_hash


class ToolCatalog(models.Model):
    """The version of all stored tools, in one row: a process whose own is another one reads them again."""

    ONLY: Final = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    version = models.UUIDField(default=uuid.uuid4)
    """A new one with each change. No number: one that a restored backup has again would hide what it restored."""

    class Meta:
        verbose_name = pgettext_lazy("model", "catalog of tools")
        verbose_name_plural = pgettext_lazy("model", "catalogs of tools")

    def __str__(self) -> str:
        return str(self.version)

    @classmethod
    def bump(cls) -> None:
        """Give the catalog a new version, in the transaction of the change."""
        cls.objects.update_or_create(pk=cls.ONLY, defaults={"version": uuid.uuid4()})
