"""The thread of a follow-up: the id of the first run that it goes back to."""

from typing import Any

from django.db import migrations, models
from django.db.models import Q

RUNS_AT_ONCE = 500


def name_threads(apps: Any, schema_editor: Any) -> None:
    """Name the thread of all follow-ups, some at a time. A run is launched after the one it continues, which is
    therefore named before it; where a clock was wrong, the way back is followed."""
    runs = apps.get_model("runs", "Run").objects.using(schema_editor.connection.alias)
    follow_ups = runs.filter(continues__isnull=False).order_by("created_at", "pk")
    last: tuple[Any, Any] | None = None
    while batch := list(_after(follow_ups, last).only("pk", "continues", "created_at")[:RUNS_AT_ONCE]):
        known: dict[Any, Any] = {}
        for run in batch:
            run.thread = known[run.pk] = _thread_of(runs, run.continues_id, known)
        runs.bulk_update(batch, ["thread"], batch_size=100)
        last = (batch[-1].created_at, batch[-1].pk)


def _after(follow_ups: Any, last: tuple[Any, Any] | None) -> Any:
    if last is None:
        return follow_ups
    moment, run_id = last
    return follow_ups.filter(Q(created_at__gt=moment) | Q(created_at=moment, pk__gt=run_id))


def _thread_of(runs: Any, run_id: Any, known: dict[Any, Any]) -> Any:
    passed = set()
    while run_id not in known and run_id not in passed:
        passed.add(run_id)
        thread, earlier = runs.values_list("thread", "continues").get(pk=run_id)
        if thread is not None or earlier is None:
            return thread or run_id
        run_id = earlier
    return known.get(run_id, run_id)


class Migration(migrations.Migration):
    dependencies = [("runs", "0011_max_calls")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="thread",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.RunPython(name_threads, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=Q(("thread__isnull", False)),
                fields=["thread", "-created_at", "-id"],
                name="run_in_thread",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=Q(("thread__isnull", False)),
                fields=["-created_at", "-id"],
                name="run_follow_up",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=Q(("thread__isnull", False)),
                fields=["user", "-created_at", "-id"],
                name="run_follow_up_by_user",
            ),
        ),
    ]
