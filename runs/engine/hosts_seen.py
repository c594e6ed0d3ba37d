"""Who hosts runs, as far as the rows tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from runs.models import Run

WORKER_SILENT_AFTER = timedelta(seconds=30)
"""Workers give a sign of life every ten seconds."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of an installation, by the database's clock."""

    alive: int
    """Those that gave a sign of life lately."""
    last_seen: datetime | None
    """When any of them did; None if none ever has."""
    hosts: int
    """Owners of runs whose lease holds."""


def workers_seen() -> Workers:
    """What Procrastinate's and our own rows say of workers. For Postgres only. Raises `DatabaseError`."""
    from procrastinate.contrib.django.models import ProcrastinateWorker  # Installed beside Postgres only.

    now = database_now()
    workers = ProcrastinateWorker.objects.order_by("-last_heartbeat").values_list("last_heartbeat", flat=True)
    seen = list(workers)
    hosts = Run.objects.filter(owner__isnull=False, lease_until__gt=now).values("owner").distinct().count()
    return Workers(sum(now - at < WORKER_SILENT_AFTER for at in seen), seen[0] if seen else None, hosts)


def database_now() -> datetime:
    """What time it is on the database's clock, which leases are measured with."""
    if not settings.IS_SCALE_OUT:
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    found: datetime = now
    return found
