"""An index for the runs of one version. Postgres builds it while runs are written."""

from django.db import migrations, models
from django.db.models import Q

from runs.migrations._operations import AddIndexBesideWrites


class Migration(migrations.Migration):
    # Postgres builds an index beside writes only outside of a transaction.
    atomic = False

    dependencies = [("runs", "0033_first_versions")]

    operations = [
        AddIndexBesideWrites(
            model_name="run",
            index=models.Index(
                fields=["agent", "version", "-created_at", "-id"],
                name="run_by_version",
                condition=Q(version__isnull=False),
            ),
        ),
    ]
