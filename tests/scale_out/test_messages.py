"""Messages to runs, and threads, on Postgres and with several processes."""

import json
from pathlib import Path

from tests.live_site import manage
from tests.scale_out.conftest import Cluster
from tests.scale_out.test_grace import control
from tests.services import own_services
from tests.wire import Answer, Hang

TOGETHER = """
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from runs.engine import control
from runs.models import Run

run = control.launch(user=None, task="Do it.")

def outcome(act):
    try:
        act()
        return "done"
    except control.MessageRefused as refused:
        return refused.code
    finally:
        connection.close()

def send(number):
    return outcome(lambda: control.send_message(run.pk, by=None, text=f"No. {number}", key=f"{number % 30}"))

def withdraw(message_id):
    return outcome(lambda: control.withdraw_message(message_id, by=None))

with ThreadPoolExecutor(8) as together:
    sent = Counter(together.map(send, [*range(30), *range(30)]))
    messages = list(run.messages.values_list("pk", flat=True))
    withdrawn = Counter(together.map(withdraw, messages[:5] * 2))
run.refresh_from_db()
positions = list(run.messages.order_by("position").values_list("position", flat=True))
print(json.dumps([sent, withdrawn, positions, run.queued_messages, run.messages.queued().count()]))
"""
PAGES = """
import json
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from runs.agent.payloads.json_form import as_json
from runs.agent.payloads.notes import SoFarPayload
from runs.engine import control
from runs.management.startup import collect_static_files
from runs.models import Run, Step

settings.ALLOWED_HOSTS = ["*"]
collect_static_files()
ada = User.objects.create_superuser("ada")
runs = []
for task in ("Über die Gezeiten", "half of 90"):
    first = control.launch(user=ada, task=task)
    ended = {"status": "completed", "ended_at": timezone.now(), "answer": "45", "cost": "0.25", "next_sequence": 3}
    Run.objects.filter(pk=first.pk).update(**ended)
    so_far = {"kind": "note", "metadata": as_json(SoFarPayload(answer="x"))}
    Step.objects.create(run=first, sequence=1, epoch=1, content="So far.", **so_far)
    Step.objects.create(run=first, sequence=2, epoch=1, kind="answer", content="45")
    runs += [first, control.continue_run(first.pk, by=ada, message="and then?")]
control.change_thread(runs[0].pk, by=ada, title="Distances", starred=True)
control.change_thread(runs[2].pk, by=ada, archived=True)
client = Client()
client.force_login(ada)
asked = [
    *("", "?show=starred", "?show=archived", "?sort=title", "?sort=-cost", "?sort=started"),
    *("?q=GEZEITEN", "?q=dist", "?q=zebra"),
]
shown = {}
for query in asked:
    page = client.get("/threads/" + query)
    names = {str(runs[0].pk): "tides", str(runs[2].pk): "half"}
    shown[query] = [page.status_code, [names[pk] for pk in names if f'data-thread="{pk}"' in page.content.decode()]]
thread = client.get(f"/threads/{runs[0].pk}/").content.decode()
listed = client.get("/api/v1/threads").json()["items"]
print(json.dumps([shown, "data-so-far" in thread, "data-answer" in thread, [each["title"] for each in listed]]))
"""


def asked(program: str, database: str, data: Path) -> list[object]:
    """What the program prints that runs in a process of its own, on a copy of the database."""
    with own_services(database) as services:
        done = manage("shell", "--no-imports", "-c", program, data=data, environment=services.environment)
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)
    return found


def test_messages_sent_and_withdrawn_at_the_same_time_are_counted_once_each(
    prepared_database: str, tmp_path: Path
) -> None:
    sent, withdrawn, positions, queued, counted = asked(TOGETHER, prepared_database, tmp_path)

    assert positions == list(range(1, 21))
    # Each key twice: what was sent once is not sent again, and what found no place is refused each time.
    assert sent == {"done": 40, "too_many": 20}
    assert withdrawn == {"done": 10}
    assert queued == counted == 15


def test_a_worker_hears_a_message_of_another_process_and_ends_its_reply(cluster: Cluster) -> None:
    cluster.model.script(Hang(after_chunks=3, answer=Answer("The tide tables say little. " * 40)), Answer("Shorter."))
    cluster.workers(2)
    (run_id,) = cluster.launch(["Tell me of the tides."])
    cluster.until(lambda: cluster.model.requests)

    control(cluster, f"control.send_message({run_id!r}, by=None, text='Shorter, please.', interrupts=True)")
    (row,) = cluster.ended([run_id])

    assert (row["status"], row["answer"], row["queued_messages"]) == ("completed", "Shorter.", 0)
    (message,) = cluster.ask("SELECT state, read_before_turn FROM runs_runmessage")
    assert message["state"] == "read"
    steps = [step["content"] for step in cluster.steps(run_id) if step["kind"] == "message"]
    assert steps == ["Shorter, please."]
    assert cluster.model.requests[-1].body["messages"][-1]["content"].endswith("Shorter, please.")


def test_the_pages_of_threads_find_sort_and_show_them(prepared_database: str, tmp_path: Path) -> None:
    shown, has_so_far, has_answer, titles = asked(PAGES, prepared_database, tmp_path)

    assert shown == {
        "": [200, ["tides"]],
        "?show=starred": [200, ["tides"]],
        "?show=archived": [200, ["half"]],
        "?sort=title": [200, ["tides"]],
        "?sort=-cost": [200, ["tides"]],
        "?sort=started": [200, ["tides"]],
        "?q=GEZEITEN": [200, ["tides"]],
        "?q=dist": [200, ["tides"]],
        "?q=zebra": [200, []],
    }
    assert has_so_far and has_answer
    assert titles == ["Distances"]
