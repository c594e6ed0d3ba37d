"""E43: processes die while they tell people of runs: every change of a run is noted once, and every note is sent."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED, size
from tests.chaos.test_webhooks import SENT_IN_S, die_until_enough, expected, settle
from tests.mail_server import MailServer

KILLS = size(short=4, full=25)
POINTS = (
    *(f"{when}_{boundary}" for boundary in ("park", "finish", "cancel") for when in ("before", "after")),
    *("before_notification_claim", "after_notification_claim", "notification_sent"),
    *("before_notification_record", "after_notification_record"),
)
SUBSCRIBE = """
from django.contrib.auth.models import User
from runs.engine.sealed_text import seal
from runs.models import NotificationChannel, NotificationRule
ada = User.objects.get(username="ada")
mail = NotificationChannel.objects.create(user=ada, kind="email", name="Mail", address=seal("ada@example.org"))
for event in ("run.completed", "run.failed", "run.cancelled", "run.needs_person"):
    NotificationRule.objects.create(user=ada, name=event, events=[event]).channels.add(mail)
"""
NOTED = "SELECT run_id, event FROM runs_notification"
WAITING = "SELECT COUNT(*) FROM runs_notificationdelivery WHERE state = 'pending'"
STATES = "SELECT state, COUNT(*) FROM runs_notificationdelivery GROUP BY state"
pytestmark = pytest.mark.usefixtures("forked")


def test_a_server_that_dies_again_and_again_notes_and_sends_everything(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
) -> None:
    with MailServer() as mails:
        site = start_chaos(AGENTSITE_MAIL_SERVER=f"smtp://127.0.0.1:{mails.port}")
        report("E43", f"SQLite: {tell(site, mails, site.live.ask)}")


def test_workers_that_die_again_and_again_note_and_send_everything(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
) -> None:
    with MailServer() as mails:
        server = f"smtp://127.0.0.1:{mails.port}"
        site = start_fleet(workers=2, AGENTSITE_LEASE_S="1", AGENTSITE_MAIL_SERVER=server)
        report("E43", f"Postgres, 2 workers: {tell(site, mails, site.web.ask)}")


def tell(site: Attacked, mails: MailServer, ask: Callable[[str], str]) -> str:
    """Let runs be told of while processes die; returns the figures."""
    ask(SUBSCRIBE)
    kills, hits = die_until_enough(site, random.Random(SEED), points=POINTS, most=KILLS)
    site.wait_until(lambda: settle(site) and site.all_ended(), limit_s=180)
    site.wait_until(lambda: all_sent(site), limit_s=180)

    faults = list(faults_of_notes(site))
    assert not faults, "\n".join([f"{len(faults)} faults (CHAOS_SEED={SEED})", *faults[:20]])
    with site.ask() as query:
        states: dict[str, int] = dict(query(STATES))
    assert set(states) <= {"sent", "gathered", "withdrawn"}
    ids = Counter(mail["Message-ID"] for mail in mails.received)
    again = sum(ids.values()) - len(ids)
    return (
        f"{sum(states.values())} notices of {len(site.statuses())} runs, {kills} kills ({hits} at a commit or between "
        f"two): 0 lost, 0 noted twice, {len(ids)} mails; {again} sent again because a death left them unrecorded"
    )


def all_sent(site: Attacked) -> bool:
    """True once nothing waits. The claims of workers that are gone are not waited for; a server lets go of those of the
    one before it."""
    if isinstance(site, Fleet):
        left = f"claimed_until < now() + interval '{60 - SENT_IN_S} seconds'"
        with psycopg.connect(site.database, autocommit=True) as server:
            server.execute(f"UPDATE runs_notificationdelivery SET claimed_until = NULL WHERE {left}".encode())
    with site.ask() as query:
        ((waiting,),) = query(WAITING)
    return not waiting


def faults_of_notes(site: Attacked) -> Iterator[str]:
    """Changes that were not noted, or noted more often than they happened."""
    wanted = expected(site)
    with site.ask() as query:
        noted = Counter((UUID(str(run)).hex, event) for run, event in query(NOTED))
    for key in wanted.keys() | noted.keys():
        if noted[key] != wanted[key]:
            yield f"{key} happened {wanted[key]} times, and was noted {noted[key]} times"
