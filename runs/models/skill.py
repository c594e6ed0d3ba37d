"""Skills that people uploaded, with their files. Small, so a file is one row."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy


class Skill(models.Model):
    """An uploaded skill. It was valid when it was uploaded."""

    name = models.CharField(pgettext_lazy("field", "name"), max_length=64, unique=True)
    description = models.TextField(pgettext_lazy("field", "description"))
    """At most 1,024 characters, as models read it."""
    size = models.PositiveIntegerField(pgettext_lazy("field", "size"))
    """In bytes, of all files."""
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="skills",
        verbose_name=pgettext_lazy("field", "user"),
    )
    """Who uploaded it last."""
    uploaded_at = models.DateTimeField(gettext_lazy("uploaded at"))

    class Meta:
        verbose_name = pgettext_lazy("model", "skill")
        verbose_name_plural = pgettext_lazy("model", "skills")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The skill's page."""
        return reverse("runs:skill", args=[self.name])


class SkillFile(models.Model):
    """A file of an uploaded skill."""

    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, related_name="files", db_index=False)
    path = models.CharField(max_length=200)
    """In the skill: `SKILL.md`, `references/forms.md`."""
    content = models.BinaryField()

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["skill", "path"], name="one_skill_file_per_path")]

    def __str__(self) -> str:
        return f"{self.path} of {self.skill_id}"
