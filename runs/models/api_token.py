"""API tokens of users."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy, pgettext_lazy

TOKEN_BYTES = 32
"""256 random bits: nobody guesses one, so a fast hash is enough."""
USED_EVERY_S = 60
"""Precision of `last_used_at`: a program that only reads must not cause a write with every request."""


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Queries on tokens."""

    def good(self) -> Self:
        """Valid tokens: not revoked, not expired, of an active user."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()), revoked_at__isnull=True, user__is_active=True
        )

    def with_text(self, text: str) -> "ApiToken | None":
        """The valid token with this text, with its user; None for any other text.

        Tokens are looked up by their hash, so the time of the lookup reveals nothing about the token.
        """
        return self.good().select_related("user").filter(token_hash=hash_of(text)).first()


class ApiToken(models.Model):
    """A user's token for the API. Only its hash is stored: a reader of the database cannot use it."""

    class Scope(models.TextChoices):
        """What a program may do with the token."""

        READ = "read", gettext_lazy("Read runs, agents and tools")
        LAUNCH = "launch", gettext_lazy("Launch and stop runs")
        APPROVE = "approve", gettext_lazy("Decide about tool calls")
        EDIT = "edit", gettext_lazy("Change agents and templates")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        verbose_name=pgettext_lazy("field", "user"),
    )
    name = models.CharField(pgettext_lazy("field", "name"), max_length=80)
    prefix = models.CharField(pgettext_lazy("field", "prefix"), max_length=12)
    """The token's first characters, to tell tokens apart."""
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the whole token, in hexadecimal. The token is random and long: no slow hash is needed."""
    scopes = models.JSONField(pgettext_lazy("field", "scopes"), default=list)
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), default=timezone.now)
    expires_at = models.DateTimeField(pgettext_lazy("field", "expires at"), null=True)
    last_used_at = models.DateTimeField(pgettext_lazy("field", "last used at"), null=True)
    revoked_at = models.DateTimeField(pgettext_lazy("field", "revoked at"), null=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = gettext_lazy("API token")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def issue(
        cls, user: Any, *, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> "tuple[ApiToken, str]":
        """A new token and its text, which is not stored: it can be shown only now."""
        text = f"ags_{secrets.token_urlsafe(TOKEN_BYTES)}"
        token = cls.objects.create(
            user=user, name=name, prefix=text[:10], token_hash=hash_of(text), scopes=scopes, expires_at=expires_at
        )
        return token, text

    @property
    def is_expired(self) -> bool:
        """True once `expires_at` has passed."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def scope_labels(self) -> list[str]:
        """The labels of its scopes."""
        return [str(scope.label) for scope in self.Scope if scope in self.scopes]

    def revoke(self) -> None:
        """Revoke it for good; a second call does nothing."""
        type(self).objects.filter(pk=self.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())

    def note_use(self) -> None:
        """Update `last_used_at`, to the minute."""
        now = timezone.now()
        if self.last_used_at is None or self.last_used_at <= now - timedelta(seconds=USED_EVERY_S):
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)


def hash_of(text: str) -> str:
    """The stored hash of a token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
