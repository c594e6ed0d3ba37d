"""Versions of agents, and the version that a run was made with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0031_api_operations"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="AgentVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("config", models.JSONField(verbose_name="configuration")),
                ("message", models.CharField(blank=True, default="", max_length=200, verbose_name="message")),
                ("restored_from", models.PositiveIntegerField(null=True, verbose_name="restored from")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "agent",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="runs.agent",
                        verbose_name="agent",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of an agent",
                "verbose_name_plural": "versions of agents",
                "ordering": ["agent", "-number"],
                "constraints": [models.UniqueConstraint(fields=("agent", "number"), name="one_version_per_number")],
            },
        ),
        migrations.AddField(
            model_name="agent",
            name="version",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="version"),
        ),
        migrations.AddField(
            model_name="run",
            name="version",
            field=models.PositiveIntegerField(null=True, verbose_name="version"),
        ),
    ]
