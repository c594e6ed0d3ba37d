"""The largest number of tool calls of a run."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0010_max_duration")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="max_calls",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Tool calls in a run; empty for no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100000),
                ],
            ),
        ),
    ]
