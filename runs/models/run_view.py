"""The saved views of the list of runs, and what a person has chosen for pages."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, gettext_lazy


class RunViewQuerySet(models.QuerySet["RunView"]):
    """Queries on saved views."""

    def shared_with(self, user: object) -> "RunViewQuerySet":
        """The views that others share."""
        return self.filter(is_shared=True).exclude(user=getattr(user, "pk", None))


class RunView(models.Model):
    """Filters of the list of runs under a name. Everybody sees in it only what they may see anyway."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    query = models.TextField()
    """The filters as the query of an address, without a page."""
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RunViewQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_per_name")]
        indexes = [models.Index(fields=["created_at"], name="run_view_shared", condition=Q(is_shared=True))]

    def __str__(self) -> str:
        return self.name


class PagePreferences(models.Model):
    """What one person has chosen for pages, on every device."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="page_preferences", primary_key=True
    )
    run_columns = models.JSONField(null=True)
    """The names of the columns of the list of runs; null for the usual ones."""
    palette_used = models.JSONField(default=list)
    """The addresses of what the person opened from the palette last, the latest first."""

    class Meta:
        verbose_name_plural = gettext_lazy("page preferences")

    def __str__(self) -> str:
        return gettext("Preferences of %(user)s") % {"user": self.user_id}
