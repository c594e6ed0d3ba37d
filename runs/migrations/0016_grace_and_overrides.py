"""The grace of approvals, and what a launch itself has set."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0015_status_words")]

    operations = [
        migrations.AddField(
            model_name="toolcall",
            name="undo_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(fields=["undo_until"], name="tool_call_grace", condition=Q(undo_until__isnull=False)),
        ),
        migrations.AddField(
            model_name="run",
            name="overrides",
            field=models.JSONField(null=True),
        ),
    ]
