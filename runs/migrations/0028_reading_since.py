"""Since when a file is read, so that another process reads it if the first one died."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0027_tool_sources")]

    operations = [
        migrations.AddField(
            model_name="storedfile",
            name="reading_since",
            field=models.DateTimeField(null=True),
        ),
    ]
