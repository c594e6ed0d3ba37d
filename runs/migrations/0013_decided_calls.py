"""An index for the list of decided calls."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0012_thread")]

    operations = [
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                fields=["decided_at", "call_id"], name="tool_call_decided", condition=Q(decided_at__isnull=False)
            ),
        ),
    ]
