"""The number of repeats after which a run that goes in circles is stopped."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0025_questions")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="max_repeats",
            field=models.PositiveIntegerField(
                db_default=4,
                default=4,
                help_text="Turns in a row that only repeat earlier calls and bring nothing new. The model is told after "
                "half of them. Calls that poll do not count.",
                validators=[
                    django.core.validators.MinValueValidator(2),
                    django.core.validators.MaxValueValidator(1000),
                ],
                verbose_name="Max repeats",
            ),
        ),
    ]
