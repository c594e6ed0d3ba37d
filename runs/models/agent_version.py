"""The versions of an agent: an immutable numbered row for each saved change."""

from typing import TYPE_CHECKING, Any, Final, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import pgettext_lazy

from runs.models.agent_config import config_of

if TYPE_CHECKING:
    from runs.models.agent import Agent

MAX_MESSAGE_CHARS: Final = 200


class VersionIsKept(TypeError):
    """Code tried to change or delete a version. It ends with its agent."""

    def __init__(self) -> None:
        super().__init__("A version is never changed, and deleted with its agent only.")  # not translated: a bug


class AgentVersionQuerySet(models.QuerySet["AgentVersion"]):
    """Versions are read and added only."""

    def update(self, **_values: Any) -> NoReturn:
        raise VersionIsKept

    def delete(self) -> NoReturn:
        raise VersionIsKept


class AgentVersion(models.Model):
    """The whole configuration of an agent as it was saved once."""

    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.CASCADE,
        related_name="versions",
        db_index=False,
        verbose_name=pgettext_lazy("field", "agent"),
    )
    number = models.PositiveIntegerField(pgettext_lazy("field", "number"))
    """From 1, without a gap, for each agent."""
    config = models.JSONField(pgettext_lazy("field", "configuration"))
    """As in a file of agents (`runs/models/agent_config.py`)."""
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=pgettext_lazy("field", "author"),
    )
    """Who saved it; null for the command line, and for a person who is gone."""
    message = models.CharField(pgettext_lazy("field", "message"), max_length=MAX_MESSAGE_CHARS, blank=True, default="")
    restored_from = models.PositiveIntegerField(pgettext_lazy("field", "restored from"), null=True)
    """The number of the version that was restored by this one."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    objects = AgentVersionQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("model", "version of an agent")
        verbose_name_plural = pgettext_lazy("model", "versions of agents")
        ordering = ["agent", "-number"]
        constraints = [models.UniqueConstraint(fields=["agent", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.config.get('name', '')} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the version. Raises `VersionIsKept` for one that exists."""
        if not self._state.adding:
            raise VersionIsKept
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise VersionIsKept


def record_version(agent: "Agent", *, by: Any, message: str, restored_from: int | None) -> int:
    """The number of the version that has the agent's configuration: a new one, unless the latest has it.

    The caller's transaction holds the lock of the agent's row, so numbers have no gap.
    """
    latest = AgentVersion.objects.filter(agent_id=agent.pk).order_by("-number").first()
    config = config_of(agent)
    if latest is not None and latest.config == config:
        return latest.number
    number = 1 if latest is None else latest.number + 1
    AgentVersion.objects.create(
        agent_id=agent.pk,
        number=number,
        config=config,
        author_id=None if by is None else by.pk,  # An anonymous user has no row.
        message=message,
        restored_from=restored_from,
    )
    return number
