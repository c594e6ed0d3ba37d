"""Several processes work together: whichever process dies, stops or is suspended, every run continues exactly once."""

import json
import os
import signal
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.live_site import manage
from tests.operations.asking import get
from tests.scale_out.conftest import LEASE_S, Cluster, Worker
from tests.visitor import Visitor

SEQUENCES = "SELECT array_agg(sequence ORDER BY sequence) AS numbers FROM runs_step WHERE run_id = %s"


def notes(cluster: Cluster, run_id: str) -> list[str]:
    return [step["metadata"]["note"] for step in cluster.steps(run_id) if step["kind"] == "note"]


def owner_of(cluster: Cluster, run_id: str, workers: list[Worker]) -> Worker:
    """The worker that hosts a run; the owner's name contains the process id."""
    hosted = cluster.hosted([run_id])[run_id]
    by_pid = {worker.process.pid: worker for worker in workers}
    return by_pid[int(hosted.split("-")[1])]


def test_a_killed_workers_runs_are_taken_over_when_their_leases_end(cluster: Cluster) -> None:
    workers = cluster.workers(2)
    runs = cluster.launch([f"hold {number}" for number in range(4)])
    cluster.hosted(runs)
    victim = owner_of(cluster, runs[0], workers)
    lost = [run_id for run_id in runs if owner_of(cluster, run_id, workers) is victim]

    victim.kill()
    cluster.until(lambda: all(cluster.run(run_id)["epoch"] == 2 for run_id in lost), LEASE_S + 15)
    cluster.model.release()
    ended = cluster.ended(runs)

    assert {row["status"] for row in ended} == {"completed"}
    assert {str(row["id"]) for row in ended if row["epoch"] == 2} == set(lost)
    for run_id in runs:
        numbers = cluster.ask(SEQUENCES, run_id)[0]["numbers"]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_worker_that_is_told_to_stop_hands_its_runs_over_at_once(cluster: Cluster) -> None:
    first, second = cluster.workers(2)
    runs = cluster.launch(["hold this"])
    giver = owner_of(cluster, runs[0], [first, second])

    code = giver.stop()
    taker = owner_of(cluster, runs[0], [second if giver is first else first])
    cluster.model.release()
    (row,) = cluster.ended(runs)

    assert (code, row["status"], row["crashes"]) == (0, "completed", 0)
    assert notes(cluster, runs[0]) == ["interrupted", "resumed"]
    assert taker is not giver


def test_a_worker_that_slept_through_its_lease_writes_nothing_and_calls_nobody(cluster: Cluster) -> None:
    (zombie,) = cluster.workers(1)
    runs = cluster.launch(["hold this"])
    cluster.hosted(runs)
    cluster.until(lambda: len(cluster.model.requests) == 1)
    os.kill(zombie.process.pid, signal.SIGSTOP)
    cluster.workers(1)
    cluster.until(lambda: cluster.run(runs[0])["epoch"] == 2, LEASE_S + 15)
    cluster.model.release()
    (row,) = cluster.ended(runs)
    steps = cluster.steps(runs[0])
    asked = len(cluster.model.requests)

    os.kill(zombie.process.pid, signal.SIGCONT)
    cluster.until(lambda: "taken over" in zombie.log.read_text() or "hosted elsewhere" in zombie.log.read_text())

    assert zombie.stop() == 0
    assert row["status"] == "completed"
    assert cluster.steps(runs[0]) == steps
    assert len(cluster.model.requests) == asked


def test_a_worker_that_lost_its_runs_has_their_places_again(cluster: Cluster) -> None:
    cluster.environment["AGENTSITE_WORKER_RUNS"] = "1"
    (zombie,) = cluster.workers(1)
    lost = cluster.launch(["hold this"])
    cluster.hosted(lost)
    os.kill(zombie.process.pid, signal.SIGSTOP)
    (other,) = cluster.workers(1)
    cluster.until(lambda: cluster.run(lost[0])["epoch"] == 2, LEASE_S + 15)
    os.kill(zombie.process.pid, signal.SIGCONT)
    cluster.until(lambda: "taken over" in zombie.log.read_text())

    # The only other slot is taken, so the worker that slept has to host this run.
    (row,) = cluster.ended(cluster.launch(["at once"]))

    cluster.model.release()
    assert row["status"] == "completed"
    assert cluster.ended(lost)[0]["status"] == "completed"
    assert (zombie.stop(), other.stop()) == (0, 0)


def test_a_process_that_was_stopped_in_a_transaction_does_not_keep_its_rows_for_ever(cluster: Cluster) -> None:
    (run_id,) = cluster.launch(["at once"])
    with closing(psycopg.connect(cluster.services.database_url, application_name="agentsite")) as stopped:
        stopped.cursor().executemany("UPDATE runs_run SET priority = 1 WHERE id = %s", [(run_id,)])
        cluster.workers(1)

        (row,) = cluster.ended([run_id])

        assert row["status"] == "completed"
        assert (row["priority"], stopped.closed) == (0, False)  # Rolled back; the client has not noticed.
        with pytest.raises(psycopg.OperationalError):
            stopped.execute("SELECT 1")


def test_a_stop_reaches_a_run_in_another_process_before_its_lease_is_renewed(cluster: Cluster) -> None:
    cluster.environment["AGENTSITE_LEASE_S"] = "300"  # Renewed every 50 s; a renewal would deliver the stop too.
    cluster.workers(1)
    site = cluster.site()
    site.create_user("ada")
    with Visitor(site.url, session=site.session_of("ada")) as visitor:
        run_id = visitor.launch("hold this")
        cluster.hosted([run_id])
        visitor.post(f"/runs/{run_id}/cancel/")

        cluster.until(lambda: cluster.run(run_id)["status"] == "cancelled", 30)

    assert [step["metadata"]["note"] for step in cluster.steps(run_id)[-2:]] == ["cancel_asked", "cancelled"]


def test_steps_of_a_run_in_another_process_are_shown_live(cluster: Cluster) -> None:
    cluster.workers(1)
    site = cluster.site()
    site.create_user("ada")
    with Visitor(site.url, session=site.session_of("ada")) as visitor:
        run_id = visitor.launch("hold this")
        cluster.hosted([run_id])
        address = site.url.replace("http", "ws") + f"/ws/runs/{run_id}/"
        signed_in = {"Cookie": f"sessionid={site.session_of('ada')}"}
        with connect(address, origin=Origin(site.url), additional_headers=signed_in) as socket:
            cluster.model.release()
            frames = [json.loads(frame) for frame in socket]

    assert [sequence for frame in frames for sequence, _html in frame.get("steps", [])] == [1]
    assert 'data-run-status="completed"' in frames[-1]["state"]


def test_a_limit_holds_over_all_workers(cluster: Cluster) -> None:
    cluster.ask("UPDATE runs_agent SET max_runs_at_once = 3")
    cluster.workers(2)
    runs = cluster.launch([f"hold {number}" for number in range(10)])
    cluster.until(lambda: len(cluster.model.requests) == 3)
    hosted = cluster.ask("SELECT count(*) AS hosted FROM runs_run WHERE owner IS NOT NULL")[0]["hosted"]

    cluster.model.release()
    ended = cluster.ended(runs)

    assert hosted == 3
    assert {row["status"] for row in ended} == {"completed"}


def test_a_worker_without_servers_named_says_what_it_needs(tmp_path: Path) -> None:
    done = manage("worker", data=tmp_path)

    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr


def test_a_command_beside_workers_prints_its_runs_steps(cluster: Cluster) -> None:
    cluster.ask("UPDATE runs_agent SET model_names = '[\"offline\"]'")
    cluster.workers(1)

    done = manage("run_agent", "What is 17 * 23?", data=cluster.data, environment=cluster.environment)

    assert done.returncode == 0, done.stderr
    assert "[tool_result] 391" in done.stdout


def test_a_postgres_that_cannot_be_written_or_is_of_a_newer_version_is_not_ready_and_says_why(cluster: Cluster) -> None:
    site = cluster.site()
    name = cluster.services.database_url.rsplit("/", 1)[1]

    def found(status: int) -> str:
        def ready() -> str:
            answer = get(f"{site.url}/readyz")
            what: str = json.loads(answer[1])["checks"]["database"]["what"]
            return what if ("can be written." in what) == (status == 200) else ""

        return str(cluster.until(ready))

    assert found(200)
    cluster.ask(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert "read-only" in found(503)
    cluster.ask(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    assert found(200)
    with closing(psycopg.connect(cluster.services.database_url)) as other:
        other.execute("LOCK TABLE runs_run IN EXCLUSIVE MODE")
        assert "holds its lock" in found(503)
    assert found(200)
    cluster.ask("INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '0099_later', now())")
    assert "runs.0099_later" in found(503)

    worker = manage("worker", data=cluster.data, environment=cluster.environment)
    assert worker.returncode == 2
    assert "newer version (runs.0099_later)" in worker.stderr and len(worker.stderr.splitlines()) == 1
