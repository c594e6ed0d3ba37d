"""What triggers and webhooks have in common: a name, and a secret that signs their requests."""

import uuid
from datetime import timedelta
from typing import Final

from django.db import models
from django.utils.translation import pgettext_lazy

SECRETS_OVERLAP: Final = timedelta(days=1)
"""How long a replaced secret is still good, beside the new one."""


class SignedAddress(models.Model):
    """An address of one person, in or out. A subclass has the `user` whose it is, and the `secret`, sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(pgettext_lazy("field", "name"), max_length=80)
    old_secret = models.TextField(blank=True, default="")
    """The secret before, sealed; empty without one."""
    old_secret_until = models.DateTimeField(null=True)
    """The old secret is good until then; null without one."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
