"""Spending of a person's runs on one day."""

from django.conf import settings
from django.db import models


class Spending(models.Model):
    """The tokens and the known cost of one person's runs on one day, in UTC. Written with each reply's steps."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="spending", db_index=False
    )
    day = models.DateField()
    tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    """US dollars, without replies of unknown cost."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="one_spending_a_day")]
        verbose_name_plural = "spending"

    def __str__(self) -> str:
        return f"{self.user_id} on {self.day}: {self.tokens} tokens, {self.cost} USD"
