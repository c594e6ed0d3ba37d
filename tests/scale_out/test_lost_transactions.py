"""Postgres ends a connection in a savepoint: nothing that was rolled back is reported as done."""

from tests.live_site import manage
from tests.scale_out.conftest import Cluster

CLAIMS = """
import asyncio
from functools import partial
from django.db import connection
from runs.engine.hosting.claim_queries import claim
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.writing.writer import Writer
from runs.models import Run

TRIALS = CrashTrials().limits

async def main():
    writer = Writer(on_committed=lambda writes: None)
    first, second, third = [run.pk async for run in Run.objects.order_by("created_at")]
    work = [partial(claim, first, "me", TRIALS), claimed_and_killed(second), partial(claim, third, "me", TRIALS)]
    jobs = [asyncio.create_task(writer.do(each)) for each in work]
    await asyncio.sleep(0)  # Until each is queued: the writer takes them as one transaction.
    writer.start(asyncio.get_running_loop())
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    print(*(type(outcome).__name__ for outcome in outcomes))
    print(*[run.epoch async for run in Run.objects.order_by("created_at")])
    print(type(await writer.do(partial(claim, first, "me", TRIALS))).__name__)
    await writer.stop()

def claimed_and_killed(run_id):
    def work():
        claim(run_id, "me", TRIALS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return work

asyncio.run(main())
"""

WAKES = """
import psycopg
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from runs.engine.queueing.dispatch import dispatch
from runs.models import Run

def killed_when_refused(execute, sql, parameters, many, context):
    try:
        return execute(sql, parameters, many, context)
    except IntegrityError:
        with psycopg.connect({url!r}, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        raise

run = Run.objects.get()
pid = connection.connection.info.backend_pid
try:
    with transaction.atomic(), connection.execute_wrapper(killed_when_refused):
        Run.objects.update(priority=7)
        dispatch(run.pk)
    print("done")
except Exception as error:
    print(type(error).__name__)
print(Run.objects.get().priority)
"""


def printed(cluster: Cluster, code: str) -> list[str]:
    done = manage("shell", "--no-imports", "-c", code, data=cluster.data, environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_no_claim_is_reported_that_was_rolled_back_with_another(cluster: Cluster) -> None:
    cluster.launch(["One.", "Two.", "Three."])

    outcomes, epochs, later = printed(cluster, CLAIMS)

    assert outcomes.split() == ["OperationalError"] * 3
    assert epochs.split() == ["0", "0", "0"]
    assert later == "Claim"


def test_a_change_that_was_rolled_back_with_a_second_wake_up_is_not_reported_as_made(cluster: Cluster) -> None:
    cluster.launch(["Wait."])  # Its first wake-up stays queued: there is no worker.

    outcome, priority = printed(cluster, WAKES.format(url=cluster.services.database_url))

    assert (outcome, priority) == ("OperationalError", "0")
