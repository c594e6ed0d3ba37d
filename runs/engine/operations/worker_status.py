"""The workers and hosts of an installation, as the database's rows tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from runs.engine.db_clock import database_now
from runs.models import Run

WORKER_SILENT_AFTER = timedelta(seconds=30)
"""Three heartbeats: workers send one every ten seconds."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of an installation, by the database's clock."""

    alive: int
    """Workers with a heartbeat within `WORKER_SILENT_AFTER`."""
    last_seen: datetime | None
    """The last heartbeat of any worker; None if there was none."""
    hosts: int
    """Owners of runs with a valid lease."""


def workers_seen() -> Workers:
    """The workers in Procrastinate's rows and the hosts in ours. Postgres only. Raises `DatabaseError`."""
    from procrastinate.contrib.django.models import ProcrastinateWorker  # Installed beside Postgres only.

    now = database_now()
    workers = ProcrastinateWorker.objects.order_by("-last_heartbeat").values_list("last_heartbeat", flat=True)
    seen = list(workers)
    hosts = Run.objects.filter(owner__isnull=False, lease_until__gt=now).values("owner").distinct().count()
    return Workers(sum(now - at < WORKER_SILENT_AFTER for at in seen), seen[0] if seen else None, hosts)
