"""Moving an installation from one machine to several: every row arrives, unfinished runs continue."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_site import LiveSite, manage
from tests.operations.asking import wait_for_statuses
from tests.services import Services, need_services, own_services
from tests.visitor import Visitor
from tests.wire import Answer, Hang, WireServer

FILL = r"""
import json
from datetime import timedelta
from decimal import Decimal
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from runs.models import *
ada = User.objects.get(username="ada")
Group.objects.create(name="auditors").permissions.set(Permission.objects.filter(codename="view_run"))
ada.groups.set(Group.objects.all())
old = Run.objects.create(user=ada, task="NUL \0 inside", status="completed", next_sequence=3, answer="Yes.",
    output={"n": 1e22, "t": "a\0b", "d": 0.1}, cost=Decimal("0.00000123"), ended_at=timezone.now())
Step.objects.create(run=old, sequence=1, epoch=1, kind="tool_call", tool_name="x" * 200, tool_input={"\0": [1.0, None]})
Step.objects.create(run=old, sequence=2, epoch=1, kind="answer", content="Yes. \U0001f30a", cost=Decimal("0.5"))
parked = Run.objects.create(user=ada, task="Parked.", status="waiting", waiting_for="decision", continues=old, epoch=1)
ToolCall.objects.create(call_id="0" * 32, run=parked, turn=1, index=0, tool_name="pay", arguments={"amount": 5},
    arguments_hash="h", epoch=1, state="unknown", effect="unsafe")
ApiToken.objects.create(user=ada, name="ci", prefix="ag_", token_hash="h", scopes=["read"])
IdempotencyKey.objects.create(user=ada, key="k", body_hash="b", run=old)
Spending.objects.create(user=ada, day=timezone.now().date() - timedelta(days=3), tokens=5, cost=Decimal("0.25"))
given = StoredFile.objects.create(user=ada, name="a.txt", media_type="text/plain", size=5, state="ready")
FileChunk.objects.create(file=given, offset=0, content=bytes(range(256)) * 2000)
DocumentPassage.objects.create(file=given, number=1, place="line 1", text="Refunds", words="REFUNDS")
Attachment.objects.create(run=old, file=given, position=0)
LogEntry.objects.create(user=ada, content_type=ContentType.objects.get_for_model(Agent), object_id="1", action_flag=2)
hook = Webhook.objects.create(user=ada, name="Chat", url="https://chat.example/", secret="00", state="paused")
told = WebhookEvent.objects.create(webhook=hook, run=old, type="run.completed", body="{}", created_at=timezone.now(),
    expires_at=timezone.now())
WebhookAttempt.objects.create(event=told, number=1, started_at=timezone.now())
with connection.cursor() as cursor:
    strange = '{"endless": 1e999, "half": "\\ud800"}'
    cursor.execute("UPDATE runs_step SET metadata = %s WHERE sequence = 2 AND run_id = %s", [strange, old.pk.hex])
"""
COUNT = """
import json
from django.apps import apps
print(json.dumps({m._meta.db_table: m._base_manager.count() for m in apps.get_models(include_auto_created=True)
    if m._meta.app_label in ("auth", "admin", "runs", "sessions") and m._meta.db_table != "auth_permission"}))
"""


@pytest.fixture
def services() -> Iterator[Services]:
    """An empty database and a Redis prefix."""
    need_services()
    with own_services() as services:
        yield services


@pytest.fixture
def killed(start_site, tmp_path: Path) -> Iterator[LiveSite]:
    """An embedded site with finished, parked, hosted and queued runs; its server was killed in the middle of a run."""
    with WireServer(otherwise=lambda _request: Answer("Done.")) as model:
        model.script(Hang())
        endpoint = {"name": "wire", "kind": "openai", "base_url": model.base_url, "models": ["m1"]}
        site = start_site(AGENTSITE_ENDPOINTS=json.dumps([endpoint]))
        site.create_user("ada", superuser=True, staff=True)
        with Visitor(site.url, session=site.session_of("ada")) as visitor:
            visitor.launch("What is 17 * 23?")
            wait_for_statuses(site, "completed")
            visitor.post("/runs/", task="Wait for it.", model="wire/m1")
        model.wait_for_requests(1, timeout_s=40)
        site.ask(FILL)
        site.kill()
        yield site


def test_every_row_arrives_and_what_was_not_finished_goes_on(killed, services):
    new = {**killed.environment, **services.environment}

    moved = manage("move_to_postgres", data=killed.data, environment=new)

    assert moved.returncode == 0, moved.stderr
    assert "2 unfinished runs go on there" in moved.stdout
    assert "tool_name of " in moved.stdout and "metadata of " in moved.stdout, "what had to be changed is named"
    on_sqlite, on_postgres = (
        json.loads(manage("shell", "--no-imports", "-c", COUNT, data=killed.data, environment=where).stdout)
        for where in (killed.environment, new)
    )
    assert on_postgres == on_sqlite and on_sqlite["runs_run"] == 4

    ask = (
        "from runs.models import *; from django.contrib.auth.models import *;"
        "from runs.engine.hosting import claim_queries;"
        "old = Run.objects.get(answer='Yes.'); step = old.steps.get(sequence=1);"
        "print(old.task, old.output, old.cost, len(step.tool_name), step.tool_input);"
        "print(Run.objects.get(task='Parked.').continues_id == old.pk, User.objects.get().has_usable_password());"
        "print([run.task for run in claim_queries.claimable('somebody').order_by('created_at')]);"
        "print(User.objects.create_user('next').pk, Agent.objects.filter(is_default=True).count())"
    )
    told = manage("shell", "--no-imports", "-c", ask, data=killed.data, environment=new)
    output = "{'d': 0.1, 'n': 10000000000000000000000, 't': 'a\ufffdb'}"
    assert told.stdout.splitlines() == [
        f"NUL \ufffd inside {output} 0.00000123 128 {{'\ufffd': [1.0, None]}}",
        "True True",
        "['Wait for it.']",
        "2 1",
    ], told.stderr


def test_a_move_that_cannot_be_is_refused_in_one_line_and_may_be_tried_again(live_site, services, tmp_path):
    new, data = services.environment, live_site.data
    live_site.create_user("ada")
    while_served = manage("move_to_postgres", data=data, environment=new)
    assert live_site.stop() == 0
    without_target = manage("move_to_postgres", data=data)
    from_nowhere = manage("move_to_postgres", "--from", str(tmp_path / "none"), data=data, environment=new)
    first, second = (manage("move_to_postgres", data=data, environment=new) for _ in range(2))

    for refused, words in (
        (while_served, "Runs are already hosted from"),
        (without_target, "set DATABASE_URL and REDIS_URL"),
        (from_nowhere, "There is no installation in"),
        (second, "is not empty"),
    ):
        assert refused.returncode == 1
        assert words in refused.stderr and len(refused.stderr.splitlines()) == 1, refused.stderr
    assert first.returncode == 0, first.stderr
