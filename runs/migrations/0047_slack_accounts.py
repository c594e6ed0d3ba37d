"""Accounts of Slack by which people decide, and the search for messages in Slack that can be changed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0046_notifications"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SlackAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slack_id", models.CharField(max_length=32)),
                ("slack_name", models.CharField(max_length=80)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="slack_accounts",
                        to="runs.notificationchannel",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="slack_accounts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Slack account",
                "verbose_name_plural": "Slack accounts",
                "ordering": ["slack_name", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "slack_id"), name="slack_account_once"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="notificationdelivery",
            index=models.Index(
                condition=Q(state="sent") & ~Q(reference=""), fields=["channel"], name="notification_changeable"
            ),
        ),
    ]
