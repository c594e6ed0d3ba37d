"""An index for the runs that failed with an error code. Postgres builds it while runs are written."""

from django.db import migrations, models
from django.db.models import F, Q

from runs.migrations._operations import AddIndexBesideWrites
from runs.models.run_queries import ErrorCode


class Migration(migrations.Migration):
    # Postgres builds an index beside writes only outside of a transaction.
    atomic = False

    dependencies = [("runs", "0018_field_names")]

    operations = [
        AddIndexBesideWrites(
            model_name="run",
            index=models.Index(
                ErrorCode("error"),
                F("created_at").desc(),
                F("id").desc(),
                name="run_failed_by_code",
                condition=Q(status="failed"),
            ),
        ),
    ]
