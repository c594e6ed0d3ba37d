"""Labels of agents, who has moved them, and the archive."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def _agent(related_name: str) -> Any:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to="runs.agent"
    )


class Migration(migrations.Migration):
    dependencies = [("runs", "0034_runs_by_version"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="archived_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="archived at"),
        ),
        migrations.CreateModel(
            name="AgentLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=30, verbose_name="name")),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("agent", _agent("labels")),
            ],
            options={
                "verbose_name": "label of an agent",
                "verbose_name_plural": "labels of agents",
                "ordering": ["agent", "name"],
                "constraints": [models.UniqueConstraint(fields=("agent", "name"), name="one_label_per_name")],
            },
        ),
        migrations.CreateModel(
            name="LabelMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=30)),
                ("number", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("agent", _agent("label_moves")),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "move of a label",
                "verbose_name_plural": "moves of labels",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["agent", "-id"], name="label_move_of_agent")],
            },
        ),
    ]
