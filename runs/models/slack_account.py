"""The Slack account of a person, by which they decide in one Slack channel."""

from typing import Final

from django.conf import settings
from django.db import models
from django.utils.translation import pgettext_lazy

from runs.models.notification_rule import NotificationChannel
from runs.models.permissions import may_decide_for_others

MAX_SLACK_ID_CHARS: Final = 32


class SlackAccount(models.Model):
    """Whose presses of buttons count as whose decisions. It holds for one channel, since whoever knows the signing
    secret of a Slack app can say who pressed."""

    channel = models.ForeignKey(NotificationChannel, on_delete=models.CASCADE, related_name="slack_accounts")
    slack_id = models.CharField(max_length=MAX_SLACK_ID_CHARS)
    """Slack's id of the account."""
    slack_name = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="slack_accounts")
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "Slack account")
        verbose_name_plural = pgettext_lazy("model", "Slack accounts")
        ordering = ["slack_name", "pk"]
        constraints = [models.UniqueConstraint(fields=["channel", "slack_id"], name="slack_account_once")]

    def __str__(self) -> str:
        return f"{self.slack_name} ({self.slack_id})"

    @property
    def may_decide_here(self) -> bool:
        """True if presses of the account count: its person set the channel up, or who did may decide about everybody's
        calls, and so could decide without it too."""
        owner = self.channel.user
        if not (self.user.is_active and owner.is_active):
            return False
        return self.user_id == owner.pk or may_decide_for_others(owner)
