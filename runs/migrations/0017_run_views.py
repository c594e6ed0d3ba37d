"""Saved views of the list of runs, and what people have chosen for pages."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("runs", "0016_grace_and_overrides"),
    ]

    operations = [
        migrations.CreateModel(
            name="PagePreferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="page_preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("run_columns", models.JSONField(null=True)),
                ("palette_used", models.JSONField(default=list)),
            ],
            options={"verbose_name_plural": "page preferences"},
        ),
        migrations.CreateModel(
            name="RunView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("query", models.TextField()),
                ("is_shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
                "indexes": [
                    models.Index(fields=["created_at"], name="run_view_shared", condition=Q(is_shared=True)),
                ],
                "constraints": [models.UniqueConstraint(fields=["user", "name"], name="one_view_per_name")],
            },
        ),
    ]
