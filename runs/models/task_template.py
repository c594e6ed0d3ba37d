"""Templates: tasks with named inputs, kept with an agent."""

from django.db import models
from django.urls import reverse
from django.utils.translation import pgettext_lazy

from runs.models.agent import Agent


class TaskTemplate(models.Model):
    """A task with places `{{ name }}`, and an input for each of them. It was valid when it was stored."""

    agent = models.ForeignKey(
        Agent,
        on_delete=models.CASCADE,
        related_name="templates",
        verbose_name=pgettext_lazy("field", "agent"),
        db_index=False,  # the unique constraint begins with it
    )
    name = models.CharField(pgettext_lazy("field", "name"), max_length=80)
    """Without a slash: programs name a template `agent/name`."""
    description = models.CharField(pgettext_lazy("field", "description"), max_length=200, blank=True)
    task = models.TextField(pgettext_lazy("field", "task"))
    inputs = models.JSONField(pgettext_lazy("field", "inputs"), default=list, blank=True)
    """In order; `runs.agent.task_templates.inputs` reads them."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)
    updated_at = models.DateTimeField(pgettext_lazy("field", "updated at"), auto_now=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "template")
        verbose_name_plural = pgettext_lazy("model", "templates")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["agent", "name"], name="one_template_per_name")]
        indexes = [models.Index(fields=["name", "id"], name="template_by_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The form that launches it."""
        return f"{reverse('runs:launch')}?template={self.pk}"

    @property
    def full_name(self) -> str:
        """How programs name it: `agent/name`. Reads the agent."""
        return f"{self.agent.name}/{self.name}"
