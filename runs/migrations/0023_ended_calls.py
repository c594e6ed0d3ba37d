"""An index for the statistics of tools. Postgres builds it while runs are written."""

from django.db import migrations, models
from django.db.models import Q

from runs.migrations._operations import AddIndexBesideWrites


class Migration(migrations.Migration):
    # Postgres builds an index beside writes only outside of a transaction.
    atomic = False

    dependencies = [("runs", "0022_calls_of_calls")]

    operations = [
        AddIndexBesideWrites(
            model_name="toolcall",
            index=models.Index(
                fields=["tool_name", "ended_at", "state", "started_at"],
                name="tool_call_ended",
                condition=Q(ended_at__isnull=False),
            ),
        ),
    ]
