"""Sign-ins at MCP servers: the tokens that this site has from their authorization servers."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from runs.models.tool_source import ToolSource


class ServerSignIn(models.Model):
    """A sign-in at an MCP server, of one person or for the whole site."""

    source = models.ForeignKey(ToolSource, on_delete=models.CASCADE, related_name="sign_ins", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    """Whose calls it is for; null for those of all runs."""
    sealed = models.TextField()
    """The grant: tokens, client and where they are renewed, encrypted with the site's secret key."""
    expires_at = models.DateTimeField(null=True)
    """When the access token ends; null if its server did not say."""
    is_over = models.BooleanField(default=False)
    """True if the server wants another sign-in: its token was refused, and could not be renewed."""
    renewing_until = models.DateTimeField(null=True)
    """A process renews the token now. Another one waits until then for what it gets."""
    signed_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    signed_in_at = models.DateTimeField(pgettext_lazy("field", "signed in at"))

    class Meta:
        verbose_name = pgettext_lazy("model", "sign-in at a server")
        verbose_name_plural = pgettext_lazy("model", "sign-ins at servers")
        constraints = [
            models.UniqueConstraint(fields=["source", "user"], name="one_sign_in_per_person"),
            models.UniqueConstraint(fields=["source"], condition=Q(user=None), name="one_sign_in_for_all"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.user_id or ''}"
