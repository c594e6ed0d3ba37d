"""Drafts: the unsaved settings of an agent that a run tries, so that the editor can go on with them."""

from django.db import models

from runs.models.agent_version import MAX_MESSAGE_CHARS


class AgentDraft(models.Model):
    """What was typed into the editor when a run was launched to try it. It was valid."""

    run = models.OneToOneField("runs.Run", on_delete=models.CASCADE, primary_key=True, related_name="draft")
    config = models.JSONField()
    """As in a file of agents (`runs/models/agent_config.py`)."""
    message = models.CharField(max_length=MAX_MESSAGE_CHARS, blank=True, default="")
    """What has changed, for the version that a save would make."""
    is_default = models.BooleanField(default=False)
    seen = models.CharField(max_length=40, blank=True, default="")
    """When the agent had been saved last as the editor was opened, an ISO time; empty for a new agent."""

    class Meta:
        verbose_name_plural = "drafts of agents"  # not translated: it has no page

    def __str__(self) -> str:
        return str(self.config.get("name", ""))
