"""E35: processes die while they tell webhooks of runs: every change of a run is told, and none is told as two."""

import random
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from uuid import UUID
from zlib import crc32

import psycopg
import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED, size
from tests.chaos.verdict import assert_sound
from tests.webhook_receiver import ReceivedEvent, Reply, WebhookReceiver

KILLS = size(short=6, full=50)
POINTS = (
    *(f"{when}_{boundary}" for boundary in ("park", "finish", "cancel", "decision") for when in ("before", "after")),
    *("before_webhook_claim", "after_webhook_claim", "webhook_sent", "before_webhook_record", "after_webhook_record"),
)
REACHED_IN_S = 5.0
"""How long a point may not be reached before the process is killed where it is."""
SENT_IN_S = 5
"""An attempt of this age belongs to a process that is gone: this receiver answers at once."""
ASKING = ("waiting:approval", "waiting:decision", "waiting:answer")
ENDS = {"completed": "run.completed", "failed": "run.failed", "cancelled": "run.cancelled"}
SUBSCRIBE = """
from django.contrib.auth.models import User
from runs.engine import control
from runs.models import Webhook
ada = User.objects.get(username="ada")
for path in ("a", "b"):
    said = control.WebhookSettings(name=path, url={url!r} + path, event_types=tuple(Webhook.EventType.values))
    print(control.create_webhook(said, user=ada, by=ada)[1])
"""

pytestmark = pytest.mark.usefixtures("forked")


@dataclass
class Receivers:
    """Two receivers on one port. Each event of one kind in eight is refused at first."""

    secrets: dict[str, str] = field(default_factory=dict)
    """By path."""
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each event came, by path and id."""
    taken: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, event: ReceivedEvent) -> Reply:
        """The reply to a request."""
        key = (event.path, event.id)
        self.seen[key] += 1
        if self.seen[key] == 1 and crc32(event.id.encode()) % 8 == 0:
            return Reply(500)
        self.taken.add(key)
        return Reply(204)


def test_a_server_that_dies_again_and_again_tells_its_webhooks_everything(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
) -> None:
    with WebhookReceiver() as receiver:
        site = start_chaos(AGENTSITE_WEBHOOK_HOSTS=f"127.0.0.1:{receiver.port}")
        report("E35", f"SQLite: {tell(site, receiver, site.live.ask)}")


def test_workers_that_die_again_and_again_tell_their_webhooks_everything(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
) -> None:
    with WebhookReceiver() as receiver:
        hosts = f"127.0.0.1:{receiver.port}"
        site = start_fleet(workers=2, AGENTSITE_LEASE_S="1", AGENTSITE_WEBHOOK_HOSTS=hosts)
        report("E35", f"Postgres, 2 workers: {tell(site, receiver, site.web.ask)}")


def tell(site: Attacked, receiver: WebhookReceiver, ask: Callable[[str], str]) -> str:
    """Let runs be told of while processes die; returns the figures."""
    receivers = receiver.choose = Receivers()
    secrets = ask(SUBSCRIBE.format(url=receiver.url("/"))).split()
    receivers.secrets = dict(zip(("/a", "/b"), secrets, strict=True))
    kills, hits = die_until_enough(site, random.Random(SEED))
    site.wait_until(lambda: settle(site) and site.all_ended(), limit_s=180)
    site.wait_until(lambda: all_delivered(site), limit_s=180)

    faults = [*faults_of_events(site, receiver.received, receivers), *faults_of_attempts(site)]
    assert not faults, "\n".join([f"{len(faults)} faults (CHAOS_SEED={SEED})", *faults[:20]])
    assert_sound(site.evidence(served_tokens=None))
    assert hits
    events, again = len(receivers.taken), sum(times - 1 for times in taken_times(receiver.received, receivers).values())
    return (
        f"{events} events of {len(site.statuses())} runs, {kills} kills ({hits} at a commit or between two): 0 lost, "
        f"0 told as two, 0 sent again after their record; {again} sent again because a death left them unrecorded"
    )


def die_until_enough(
    site: Attacked, chance: random.Random, *, points: Sequence[str] = POINTS, most: int = KILLS
) -> tuple[int, int]:
    """Make processes die while runs end, park and are stopped; returns how many died, and how many at a point."""
    kills = hits = rounds = 0
    while kills < most:
        rounds += 1  # In the labels of the runs, each of which is of one run only.
        site.arm(chance.choice(points))
        site.launch(f"work w{rounds}", f"work s{rounds}")
        site.launch(f"work_pure c{rounds}", agent="Careful")
        with suppress(OSError, HTTPException), site.visitor() as visitor:
            for run in newest(site, f"work s{rounds}"):
                visitor.post(f"/runs/{run}/cancel/")
        give_up_at = time.monotonic() + REACHED_IN_S
        while time.monotonic() < give_up_at:
            site.approve()
            with suppress(TimeoutError):
                site.wait_for_a_death(limit_s=0.2)
                break
        if site.disarm():
            hits += 1
        elif isinstance(site, ChaosSite):
            site.kill()
        else:
            continue
        kills += 1
        site.start()
    return kills, hits


def newest(site: Attacked, task: str) -> list[str]:
    """The ids of the runs of a task."""
    with site.ask() as query:
        return [str(UUID(str(run))) for (run,) in query(f"SELECT id FROM runs_run WHERE task = '{task}'")]


def settle(site: Attacked) -> bool:
    """Decide what waits for a person."""
    site.approve()
    site.stop_undecided()
    return True


def all_delivered(site: Attacked) -> bool:
    """True once no event waits. Neither the next attempts are waited for, nor the claims of workers that are gone; a
    server lets go of those of the one before it."""
    due = "UPDATE runs_webhookevent SET due_at = created_at WHERE state = 'pending' AND claimed_until IS NULL"
    if isinstance(site, ChaosSite):
        with closing(sqlite3.connect(site.database, timeout=20)) as database, database:
            database.execute(due)
    elif isinstance(site, Fleet):
        left = f"claimed_until < now() + interval '{60 - SENT_IN_S} seconds'"
        with psycopg.connect(site.database, autocommit=True) as server:
            server.execute(f"UPDATE runs_webhookevent SET claimed_until = NULL WHERE {left}".encode())
            server.execute(due.encode())
    with site.ask() as query:
        ((waiting,),) = query("SELECT COUNT(*) FROM runs_webhookevent WHERE state <> 'delivered'")
    return not waiting


def expected(site: Attacked) -> Counter[tuple[str, str]]:
    """How often each kind of event happened to each run, by the database's own notes of every change."""
    found: Counter[tuple[str, str]] = Counter()
    for move in site.rows().moves:
        if move.kind != "run":
            continue
        if move.now in ENDS and move.was != move.now:
            found[move.run, ENDS[move.now]] += 1
        elif move.now in ASKING and move.was not in ASKING:
            found[move.run, "run.needs_person"] += 1
    return found


def faults_of_events(site: Attacked, received: list[ReceivedEvent], receivers: Receivers) -> Iterator[str]:
    """What the receivers got: lost and doubled events, and attempts that differ."""
    bodies: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    ids: dict[str, dict[tuple[str, str], set[str]]] = {path: defaultdict(set) for path in receivers.secrets}
    for event in received:
        told = event.verified(receivers.secrets[event.path])
        bodies[event.path, event.id].add(event.body)
        if (event.path, event.id) in receivers.taken:
            ids[event.path][UUID(told["data"]["id"]).hex, told["type"]].add(event.id)
    yield from (f"{path} {uid} came with several bodies" for (path, uid), sent in bodies.items() if len(sent) > 1)
    wanted = expected(site)
    for path, told_of in ids.items():
        for key in wanted.keys() | told_of.keys():
            if len(told_of[key]) != wanted[key]:
                yield f"{path}: {key} happened {wanted[key]} times, and {len(told_of[key])} events came"


def faults_of_attempts(site: Attacked) -> Iterator[str]:
    """What the log shows: attempts after one whose success is recorded."""
    with site.ask() as query:
        found = query(
            "SELECT later.event_id FROM runs_webhookattempt first JOIN runs_webhookattempt later "
            "ON later.event_id = first.event_id AND later.number > first.number AND first.outcome = 'delivered'"
        )
    yield from (f"event {event} was sent again after its delivery was recorded" for (event,) in found)


def taken_times(received: list[ReceivedEvent], receivers: Receivers) -> Counter[tuple[str, str]]:
    """How often each event was taken."""
    times = Counter((event.path, event.id) for event in received)
    for key in times:
        times[key] -= crc32(key[1].encode()) % 8 == 0
    return times
