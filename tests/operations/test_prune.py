"""Which rows pruning deletes and which it keeps."""

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from runs.engine import control
from runs.engine.files.attachments import attach, documents_to_attach
from runs.engine.files.storage import DocumentRefused
from runs.engine.operations import retention
from runs.engine.operations.retention import Pruner
from runs.models import (
    ApiToken,
    Attachment,
    Delivery,
    FileChunk,
    IdempotencyKey,
    Library,
    Run,
    RunMessage,
    Schedule,
    ScheduleTick,
    Step,
    StoredFile,
    Thread,
    ThreadStar,
    ToolCall,
    Trigger,
    Webhook,
    WebhookEvent,
)

NOW = timezone.now()


@pytest.fixture
def owner(db: None) -> User:
    """The owner of the runs."""
    return User.objects.create_user("owner")


def make_run(owner: User, days_ago: float, *, status: str = "completed", steps: int = 2, **fields: object) -> Run:
    """A run launched `days_ago` days ago and, if its status is final, ended at that moment."""
    when = NOW - timedelta(days=days_ago)
    ended = when if status in Run.FINAL else None
    run = Run.objects.create(
        user=owner, task="Old.", status=status, created_at=when, ended_at=ended, next_sequence=steps + 1, **fields
    )
    Step.objects.bulk_create(Step(run=run, sequence=n, epoch=1, kind="note") for n in range(1, steps + 1))
    return run


def prune(*arguments: str) -> str:
    """The output of `manage.py prune`."""
    printed = io.StringIO()
    call_command("prune", *arguments, stdout=printed)
    return printed.getvalue()


def test_only_finished_runs_that_are_old_enough_go_with_all_their_rows(owner):
    old, young = make_run(owner, 40), make_run(owner, 20)
    queued, parked = make_run(owner, 400, status="idle"), make_run(owner, 400, status="waiting", waiting_for="decision")
    ToolCall.objects.create(
        call_id="0" * 32, run=old, turn=1, index=0, tool_name="t", arguments={}, arguments_hash="", epoch=1
    )
    IdempotencyKey.objects.create(user=owner, key="k", body_hash="", run=old)
    again = make_run(owner, 1, rerun_of=old)

    printed = prune("--days", "30")

    assert "Deleted 1 run of more than 30 days with 2 steps." in printed
    assert set(Run.objects.values_list("pk", flat=True)) == {young.pk, queued.pk, parked.pk, again.pk}
    assert not Step.objects.filter(run_id=old.pk).exists() and not ToolCall.objects.exists()
    again.refresh_from_db()
    assert again.rerun_of is None


def test_messages_go_with_their_runs_and_are_counted_before_and_after(owner, monkeypatch):
    monkeypatch.setattr(retention, "FIRST_ROWS", 100)
    old, young = make_run(owner, 40), make_run(owner, 20)
    followed_up = make_run(owner, 40)
    make_run(owner, 1, continues=followed_up)
    for run, count in ((old, 250), (young, 2), (followed_up, 3)):
        RunMessage.objects.bulk_create(
            RunMessage(run=run, user=owner, position=n, text="Shorter.", state="withdrawn") for n in range(count)
        )

    would = prune("--days", "30", "--dry-run")
    told = prune("--days", "30")

    assert "Would delete 1 run of more than 30 days with 2 steps and 250 messages." in would
    assert "Deleted 1 run of more than 30 days with 2 steps and 250 messages." in told
    assert RunMessage.objects.count() == 5


def test_what_a_kept_run_continues_is_kept_and_goes_with_it(owner):
    first = make_run(owner, 90)
    second = make_run(owner, 60, continues=first)
    third = make_run(owner, 1, status="idle", continues=second)

    printed = prune("--days", "30")

    assert Run.objects.count() == 3
    assert "2 older runs stay" in printed

    Run.objects.filter(pk=third.pk).update(status="completed", ended_at=NOW - timedelta(days=31))
    assert "Would delete 3 runs of more than 30 days with 6 steps." in prune("--days", "30", "--dry-run")
    prune("--days", "30")

    assert not Run.objects.exists()


def test_the_title_of_a_thread_goes_with_its_last_run(owner):
    first = make_run(owner, 40)
    make_run(owner, 20, continues=first, thread=first.pk)
    alone, gone = make_run(owner, 20), make_run(owner, 40)
    for run in (first, alone, gone):
        control.change_thread(run.pk, by=owner, title="Kept", starred=True)

    printed = prune("--days", "30")

    assert "1 mark of a deleted thread" in printed
    assert set(Thread.objects.values_list("pk", flat=True)) == {first.pk, alone.pk}
    assert ThreadStar.objects.count() == 2


def test_the_history_of_a_schedule_goes_back_three_months(owner):
    about = {"cron": "* * * * *", "time_zone": "UTC", "state": "paused"}
    schedule = Schedule.objects.create(user=owner, name="Report", task="Do.", when="* * * * *", **about)
    for hours, (days, state) in enumerate([(91, "skipped"), (91, "waiting"), (91, "at_work"), (89, "skipped")]):
        at = NOW - timedelta(days=days, hours=hours)
        ScheduleTick.objects.create(schedule=schedule, due_at=at, state=state, created_at=at)

    printed = prune("--days", "30")

    assert "1 old entry of a schedule" in printed
    assert ScheduleTick.objects.count() == 3


def test_a_document_that_a_schedule_gives_to_each_run_is_kept(owner):
    at, about = NOW - timedelta(days=9), {"media_type": "text/plain", "size": 0, "state": "ready"}
    kept, unused = [StoredFile.objects.create(user=owner, name=name, **about) for name in ("kept.txt", "unused.txt")]
    StoredFile.objects.update(created_at=at)
    inputs = {"report": str(kept.pk), "words": "3"}
    about = {"when": "hourly", "cron": "0 * * * *", "time_zone": "UTC", "state": "paused"}
    Schedule.objects.create(user=owner, name="Report", inputs=inputs, **about)

    prune("--days", "30")

    assert list(StoredFile.objects.all()) == [kept] and unused != kept


def test_a_dry_run_says_the_same_and_deletes_nothing(owner):
    make_run(owner, 40)
    Session.objects.create(session_key="s", session_data="", expire_date=NOW - timedelta(days=1))

    printed = prune("--days", "30", "--dry-run")

    assert "Would delete 1 run of more than 30 days with 2 steps." in printed
    assert "Would delete 1 expired session" in printed
    assert (Run.objects.count(), Session.objects.count()) == (1, 1)


def test_a_long_run_goes_in_pieces_and_is_whole_at_every_moment(owner):
    run = make_run(owner, 40, steps=1000)
    seen: list[int] = []

    def look(_seconds: float) -> None:
        if row := Run.objects.filter(pk=run.pk).first():
            sequences = list(Step.objects.filter(run=row).order_by("sequence").values_list("sequence", flat=True))
            assert sequences == list(range(1, row.next_sequence))
            seen.append(len(sequences))

    pruner = Pruner(rest=look)
    pruner.prune_runs(NOW - timedelta(days=30))

    assert not Run.objects.exists() and pruner.pruned.steps == 1000
    assert len(seen) >= 2, "in one piece it would hold up everybody else"


def test_expired_sessions_old_keys_and_old_tokens_go_and_others_stay(owner):
    run = make_run(owner, 1)
    for name, days_ago in (("old", 40), ("new", 1)):
        when = NOW - timedelta(days=days_ago)
        Session.objects.create(session_key=name, session_data="", expire_date=NOW + timedelta(days=20 - days_ago))
        IdempotencyKey.objects.create(user=owner, key=name, body_hash="", run=run, created_at=when)
        ApiToken.objects.create(user=owner, name=name, prefix="", token_hash=name, revoked_at=when)
    ApiToken.objects.create(user=owner, name="in use", prefix="", token_hash="in use")

    printed = prune()

    assert "Runs are kept for ever" in printed
    assert "Deleted 1 expired session, 1 old key of a launch, 1 old token, 0 unused files." in printed
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"new", "in use"}


def test_old_deliveries_of_triggers_go_and_new_ones_stay(owner):
    trigger = Trigger.objects.create(user=owner, name="Pushes", scheme="token", token_hash="t")
    for key, days_ago in (("old", 31), ("new", 29)):
        when = NOW - timedelta(days=days_ago)
        Delivery.objects.create(trigger=trigger, key=key, body_hash="", state="filtered", received_at=when)

    told = [prune("--dry-run"), prune()]

    assert all("1 old delivery of a trigger" in each for each in told)
    assert list(Delivery.objects.values_list("key", flat=True)) == ["new"]


def test_files_go_with_their_runs_in_small_pieces_and_what_is_in_use_stays(owner):
    old, young = make_run(owner, 40), make_run(owner, 20)
    library = Library.objects.create(name="handbook")

    def file(name: str, **fields: object) -> StoredFile:
        made = StoredFile.objects.create(user=owner, name=name, size=3_000_000, state="ready", **fields)
        StoredFile.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=41))
        FileChunk.objects.bulk_create(FileChunk(file=made, offset=n, content=b"x") for n in range(6))
        return made

    both, gone = file("both.txt"), file("gone.txt")
    for run, given in ((old, both), (young, both), (old, gone)):
        Attachment.objects.create(run=run, file=given, position=0)
    for name, fields in (("made.svg", {"run": old}), ("kept.svg", {"run": young}), ("book.pdf", {"library": library})):
        file(name, **fields)
    file("never_given.txt")
    StoredFile.objects.filter(pk=file("half.pdf", library=library).pk).update(state="uploading")
    new = StoredFile.objects.create(user=owner, name="new.txt", size=1)

    assert "2 unused files." in prune("--days", "30", "--dry-run")
    assert "3 unused files." in prune("--days", "30")

    kept = {"both.txt", "kept.svg", "book.pdf", new.name}
    assert set(StoredFile.objects.values_list("name", flat=True)) == kept
    assert FileChunk.objects.count() == 6 * 3


def test_a_file_that_is_being_deleted_is_given_to_no_run(owner):
    file = StoredFile.objects.create(user=owner, name="old.txt", size=6, state="ready")
    FileChunk.objects.bulk_create(FileChunk(file=file, offset=n, content=b"x") for n in range(6))
    refusals: list[str] = []

    def launch_meanwhile(_seconds: float) -> None:
        if StoredFile.objects.exists():
            with pytest.raises(DocumentRefused) as refused, transaction.atomic():
                attach(make_run(owner, 0), documents_to_attach([file.pk], user=owner, models=["offline"]))
            refusals.append(str(refused.value))

    Pruner(rest=launch_meanwhile).prune_files(timezone.now() + timedelta(days=1))

    assert set(refusals) == {"One of the files is no longer there, or is not yours. Upload it again."}
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_days_that_make_no_sense_delete_nothing(owner, days):
    make_run(owner, 40)

    with pytest.raises(CommandError, match="expected a whole number of days"):
        prune(f"--days={days}")

    assert Run.objects.count() == 1


def test_events_of_webhooks_go_after_thirty_days_and_with_their_runs(owner):
    webhook = Webhook.objects.create(user=owner, name="Chat", url="https://chat.example/", secret="x")
    old_run, kept_run = make_run(owner, 40), make_run(owner, 20)
    about = {"webhook": webhook, "type": "run.completed", "body": "{}", "state": "delivered", "expires_at": NOW}
    of_old = WebhookEvent.objects.create(run=old_run, created_at=NOW - timedelta(days=1), **about)
    old = WebhookEvent.objects.create(created_at=NOW - timedelta(days=31), **about)
    old.log.create(number=1, started_at=NOW)
    young = WebhookEvent.objects.create(run=kept_run, created_at=NOW - timedelta(days=29), **about)

    told = prune("--days", "30", "--dry-run")
    printed = prune("--days", "30")

    assert "1 old event of a webhook" in told
    assert "1 old event of a webhook" in printed
    assert list(WebhookEvent.objects.all()) == [young]
    assert not WebhookEvent.objects.filter(pk=of_old.pk).exists()
