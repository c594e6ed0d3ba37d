"""The grace of an approval with several workers: whichever of them dies in it, the call runs once, and not before."""

from typing import Any

from tests.live_site import manage
from tests.scale_out.conftest import Cluster

GRACE_S = 3


def control(cluster: Cluster, code: str) -> str:
    """What a program does through `runs.engine.control`, in a process of its own. Returns what it prints."""
    code = f"from runs.engine import control\nfrom runs.models import Run, ToolCall\n{code}"
    done = manage("shell", "--no-imports", "-c", code, data=cluster.data, environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asks(cluster: Cluster) -> str:
    """The id of a run whose unsafe call waits for approval."""
    cluster.ask("UPDATE runs_agent SET model_names = '[\"offline\"]', approval = 'always'")
    (run_id,) = cluster.launch(["What is 6 * 7?"])
    cluster.until(lambda: cluster.run(run_id)["waiting_for"] == "approval")
    cluster.ask("UPDATE runs_toolcall SET effect = 'unsafe'")
    return run_id


def call_of(cluster: Cluster, run_id: str) -> dict[str, Any]:
    return cluster.ask("SELECT * FROM runs_toolcall WHERE run_id = %s", run_id)[0]


def approve(cluster: Cluster) -> None:
    control(
        cluster,
        "call = ToolCall.objects.get()\n"
        f"control.approve(call.pk, by=None, arguments_hash=call.arguments_hash, grace_s={GRACE_S})",
    )


def test_a_worker_that_dies_in_the_grace_leaves_the_call_to_the_others(cluster: Cluster) -> None:
    first, second = cluster.workers(2)
    run_id = asks(cluster)

    approve(cluster)
    first.kill()
    in_grace = cluster.run(run_id)
    (row,) = cluster.ended([run_id])
    call = call_of(cluster, run_id)

    assert second.process.poll() is None
    assert (in_grace["status"], in_grace["owner"]) == ("waiting", None)
    assert (row["status"], row["epoch"], call["state"], call["undo_until"]) == ("completed", 2, "succeeded", None)
    assert (call["started_at"] - call["decided_at"]).total_seconds() >= GRACE_S


def test_what_was_taken_back_before_the_end_of_the_grace_runs_on_no_worker(cluster: Cluster) -> None:
    cluster.workers(2)
    run_id = asks(cluster)

    control(
        cluster,
        "call = ToolCall.objects.get()\n"
        "control.approve(call.pk, by=None, arguments_hash=call.arguments_hash, grace_s=60)\n"
        "control.undo_approval(call.pk, by=None)\n"
        "control.deny(call.pk, by=None, arguments_hash=call.arguments_hash)",
    )
    (row,) = cluster.ended([run_id])
    call = call_of(cluster, run_id)

    assert (row["status"], call["state"], call["started_at"]) == ("completed", "denied", None)
