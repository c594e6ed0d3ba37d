"""Completed runs whose answer says that the task could not be done."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0013_decided_calls")]

    operations = [
        migrations.AddField(
            model_name="run", name="could_not", field=models.BooleanField(default=False, db_default=False)
        ),
    ]
