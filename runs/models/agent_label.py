"""Labels of agents: names that point at one of an agent's versions, and who has moved them."""

from typing import Final

from django.conf import settings
from django.db import models
from django.utils.translation import pgettext_lazy

USUAL_LABELS: Final = ("production", "staging")
MAX_LABEL_CHARS: Final = 30
MAX_AGENT_CHARS: Final = 80 + 1 + MAX_LABEL_CHARS
"""Of an agent's name with a label: `Clerk@production`."""
MOST_LABELS: Final = 20
"""Labels of one agent."""


def is_label_name(name: str) -> bool:
    """True for lower-case ASCII letters, digits and hyphens that begin with a letter: `Name@3` is a version."""
    is_known = all(char.isascii() and (char.islower() or char.isdigit() or char == "-") for char in name)
    return is_known and 0 < len(name) <= MAX_LABEL_CHARS and name[0].isalpha()


class AgentLabel(models.Model):
    """A label of an agent."""

    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.CASCADE,
        related_name="labels",
        db_index=False,
        verbose_name=pgettext_lazy("field", "agent"),
    )
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_LABEL_CHARS)
    number = models.PositiveIntegerField(pgettext_lazy("field", "version"))
    """Of the version that it points at."""

    class Meta:
        verbose_name = pgettext_lazy("model", "label of an agent")
        verbose_name_plural = pgettext_lazy("model", "labels of agents")
        ordering = ["agent", "name"]
        constraints = [models.UniqueConstraint(fields=["agent", "name"], name="one_label_per_name")]

    def __str__(self) -> str:
        return f"{self.name} → v{self.number}"


class LabelMove(models.Model):
    """A label was set, moved or removed."""

    agent = models.ForeignKey(
        "runs.Agent",
        on_delete=models.CASCADE,
        related_name="label_moves",
        db_index=False,
        verbose_name=pgettext_lazy("field", "agent"),
    )
    name = models.CharField(pgettext_lazy("field", "name"), max_length=MAX_LABEL_CHARS)
    number = models.PositiveIntegerField(pgettext_lazy("field", "version"), null=True)
    """Of the version that it points at since then; null if it was removed."""
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=pgettext_lazy("field", "author"),
    )
    """Who did it; null for the command line, and for a person who is gone."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "move of a label")
        verbose_name_plural = pgettext_lazy("model", "moves of labels")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["agent", "-id"], name="label_move_of_agent")]

    def __str__(self) -> str:
        return f"{self.name} → {self.number}"
