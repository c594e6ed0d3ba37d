"""From a run that parks to the mail about it: 100 runs that park at once, with a mail server beside the site.

A real server on SQLite. The runs ask for the approval of a call; their people have a rule that tells them at once by
mail. With one person their mails become summaries; with ten each gets their own ten. A notice's latency is from the
transaction that parks its run to the record that the mail server took the mail, or the summary that tells it.

    python -m tests.benchmarks.notifications [--runs 100]
"""

import argparse
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.schedules import WITHOUT_LIMITS
from tests.live_site import LiveSite, prepare_data
from tests.mail_server import MailServer
from tests.visitor import Visitor

GOAL_P95_S: Final = 5.0
GIVEN_UP_AFTER_S: Final = 180.0
MAKE: Final = """
from django.contrib.auth.models import User
from runs.engine.sealed_text import seal
from runs.models import Agent, NotificationChannel, NotificationRule
Agent.objects.update(approval="always")
for n in range({people}):
    user = User.objects.get(username=f"person-{{n}}")
    mail = NotificationChannel.objects.create(user=user, kind="email", name="Mail", address=seal(f"p{{n}}@example.org"))
    NotificationRule.objects.create(user=user, name="Waits", events=["run.needs_person"]).channels.add(mail)
"""
SENT: Final = """
SELECT notification.created_at, COALESCE(leader.ended_at, delivery.ended_at)
FROM runs_notificationdelivery delivery
JOIN runs_notification notification ON notification.id = delivery.notification_id
LEFT JOIN runs_notificationdelivery leader ON leader.id = delivery.gathered_into_id
WHERE COALESCE(leader.state, delivery.state) = 'sent'
"""


def measure(runs: int, people: int) -> tuple[list[float], int]:
    """The latencies in seconds, sorted, and the number of mails."""
    with tempfile.TemporaryDirectory() as folder, MailServer() as mails:
        data = Path(folder) / "data"
        prepare_data(data)
        site = LiveSite(data, WITHOUT_LIMITS | {"AGENTSITE_MAIL_SERVER": f"smtp://127.0.0.1:{mails.port}"})
        for number in range(people):
            site.create_user(f"person-{number}")
        site.ask(MAKE.format(people=people))
        site.start()
        try:
            for number in range(people):
                with Visitor(site.url, session=site.session_of(f"person-{number}")) as person:
                    for _ in range(runs // people):
                        person.launch("What is 17 * 23?")
            return _latencies(data / "agentsite.sqlite3", runs), len(mails.received)
        finally:
            site.close()


def _latencies(database: Path, runs: int) -> list[float]:
    give_up_at = time.monotonic() + GIVEN_UP_AFTER_S
    while time.monotonic() < give_up_at:
        with closing(sqlite3.connect(database, timeout=20)) as opened:
            found = opened.execute(SENT).fetchall()
        if len(found) >= runs:
            spans = (datetime.fromisoformat(sent) - datetime.fromisoformat(noted) for noted, sent in found)
            return sorted(span.total_seconds() for span in spans)
        time.sleep(0.2)
    raise TimeoutError(f"{len(found)} of {runs} notices were sent within {GIVEN_UP_AFTER_S:g} s.")


def main() -> None:
    """Measure, and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    runs: int = parser.parse_args().runs
    for people in (10, 1):
        spans, mails = measure(runs, people)
        p95 = spans[int(0.95 * len(spans)) - 1]
        verdict = "reached" if p95 < GOAL_P95_S else "missed"
        print(
            f"{runs} runs of {people} people: parked to notice sent p50 {spans[len(spans) // 2]:.2f} s, "
            f"p95 {p95:.2f} s, longest {spans[-1]:.2f} s, {mails} mails (goal p95 < {GOAL_P95_S:g} s: {verdict})"
        )


if __name__ == "__main__":
    main()
