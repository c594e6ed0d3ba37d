"""Idempotency keys: a launch that is sent twice happens once."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from runs.models.run import Run


class IdempotencyKey(models.Model):
    """A key sent with a launch, and its run. Written in the transaction that creates the run."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    """SHA-256 of the request's body, in hexadecimal: the same key with another body is refused."""
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_launch_per_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.run_id}"
