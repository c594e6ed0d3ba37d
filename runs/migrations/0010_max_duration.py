"""An agent's time limit has one name in the code. Runs keep theirs under the earlier name, and are read (`ConfigField`)."""

import django.core.validators
from django.db import migrations, models

import runs.models.bounds


class Migration(migrations.Migration):
    dependencies = [("runs", "0009_groups_and_launch_ceilings")]

    operations = [
        migrations.RenameField("agent", "max_seconds", "max_duration_s"),
        migrations.AlterField(
            model_name="agent",
            name="max_duration_s",
            field=models.PositiveIntegerField(
                default=600,
                help_text="Time a run is worked on; waiting for a person is not counted.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(86400),
                ],
                verbose_name="max seconds",
            ),
        ),
        migrations.AlterField(
            model_name="agent",
            name="extra_settings",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Members that are added to every request as they are, for what a server wants beyond: "
                '{"top_k": 40}. Those that would overrule the run (model, messages, tools, stream …) are refused.',
                validators=[runs.models.bounds.ValueCheck("extra")],
            ),
        ),
        migrations.AlterField(
            model_name="agent",
            name="max_turns",
            field=models.PositiveIntegerField(
                default=20,
                help_text="Replies of the model in a run.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
    ]
