"""An index for the runs without a cost, of which few are looked at. Postgres builds it while runs are written."""

from django.db import migrations, models
from django.db.models import Q

from runs.migrations._operations import AddIndexBesideWrites


class Migration(migrations.Migration):
    # Postgres builds an index beside writes only outside of a transaction.
    atomic = False

    dependencies = [("runs", "0019_failed_by_code")]

    operations = [
        AddIndexBesideWrites(
            model_name="run",
            index=models.Index(fields=["-created_at"], name="run_without_cost", condition=Q(cost=None)),
        ),
    ]
