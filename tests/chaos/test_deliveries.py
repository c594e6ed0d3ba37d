"""E37: processes die while deliveries come to a trigger: none that was answered is lost, and none launches twice."""

import http.client
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from tests.chaos.attacked import EVERY_S, Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED, size
from tests.chaos.verdict import assert_sound
from tests.trigger_senders import json_of, signed

KILLS = size(short=8, full=100)
POINTS = tuple(f"{when}_{boundary}" for boundary in ("delivery", "launch") for when in ("before", "after"))
KEYS_OF_A_KILL = 4
SENDERS_OF_A_KEY = 3
REACHED_IN_S = 5.0
"""How long a point may not be reached before the process is killed where it is."""
TAKEN_IN_S = 60.0
"""How long a sender tries."""
MAKE = """
from django.contrib.auth.models import User
from tests.trigger_senders import make_trigger
ada = User.objects.get(username="ada")
print(make_trigger(ada, task="work {{ n }}", inputs={"n": "body.n"})[1])
"""

pytestmark = pytest.mark.usefixtures("forked")


@dataclass
class Senders:
    """Services that send each delivery again until it is taken, several at a time."""

    site: Attacked
    token: str
    answers: defaultdict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    """Delivery and run of every response, by the key that was sent."""
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    """Requests without a response, because the server was gone."""

    def send(self, key: str) -> None:
        """Send the delivery until it is taken."""
        body = json_of({"n": key})
        give_up_at = time.monotonic() + TAKEN_IN_S
        while time.monotonic() < give_up_at:
            with suppress(OSError, http.client.HTTPException):
                if self._is_taken(key, body):
                    return
                continue
            self.unanswered += 1
            time.sleep(EVERY_S)
        raise TimeoutError(f"{key} was not taken: {self.site.log()}")

    def _is_taken(self, key: str, body: bytes) -> bool:
        connection = http.client.HTTPConnection(urlsplit(self.site.url).netloc, timeout=20)
        try:
            connection.request("POST", f"/hooks/{self.token}", body, signed(body, key=key))
            response = connection.getresponse()
            told = json.loads(response.read())
        finally:
            connection.close()
        self.statuses[response.status] += 1
        if response.status != 202:
            time.sleep(EVERY_S)
            return False
        self.answers[key].add((told["delivery"], told["run"]))
        return True


def test_a_server_that_dies_again_and_again_loses_and_doubles_no_delivery(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
) -> None:
    site = start_chaos()

    report("E37", f"SQLite: {deliver(site, site.live.ask(MAKE))}")


def test_web_processes_and_workers_that_die_lose_and_double_no_delivery(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
) -> None:
    site = start_fleet(workers=2, AGENTSITE_LEASE_S="1")

    report("E37", f"Postgres, 2 workers: {deliver(site, site.web.ask(MAKE))}")


def deliver(site: Attacked, token: str) -> str:
    """Let deliveries come while processes die; returns the figures."""
    senders = Senders(site, token)
    hits = die_until_enough(site, senders, random.Random(SEED))
    site.wait_until(site.all_ended, limit_s=180)

    faults = faults_of(site, senders)
    assert not faults, "\n".join([f"{len(faults)} faults (CHAOS_SEED={SEED})", *faults[:20]])
    assert_sound(site.evidence(served_tokens=None))
    assert hits
    again = senders.statuses[202] - len(senders.answers)
    return (
        f"{len(senders.answers)} deliveries, each sent by {SENDERS_OF_A_KEY}, {KILLS} kills ({hits} at a commit): "
        f"0 lost, 0 doubled; {senders.unanswered} requests without an answer, {again} answered with the first outcome"
    )


def die_until_enough(site: Attacked, senders: Senders, chance: random.Random) -> int:
    """Make processes die while deliveries come; returns how many died at a point."""
    hits = 0
    with ThreadPoolExecutor(KEYS_OF_A_KILL * SENDERS_OF_A_KEY) as pool:
        for kill in range(KILLS):
            site.arm(chance.choice(POINTS))
            keys = [f"k{kill}-{number}" for number in range(KEYS_OF_A_KILL)] * SENDERS_OF_A_KEY
            chance.shuffle(keys)
            sent: list[Future[None]] = [pool.submit(senders.send, key) for key in keys]
            with suppress(TimeoutError):
                site.wait_for_a_death(limit_s=REACHED_IN_S)
            hits += site.disarm()
            site.start()
            for each in sent:
                each.result()
    return hits


def faults_of(site: Attacked, senders: Senders) -> list[str]:
    """What was lost or doubled, by the rows and the responses."""
    with site.ask() as query:
        rows = query("SELECT key, uid, run_id, state FROM runs_delivery")
        tasks = Counter(str(task) for (task,) in query("SELECT task FROM runs_run"))
    stored = {str(key): (str(UUID(str(uid))), str(UUID(str(run)))) for key, uid, run, _state in rows}
    faults = [f"{key} has {number} rows" for key, number in Counter(str(row[0]) for row in rows).items() if number != 1]
    faults += [f"{task} ran {number} times" for task, number in tasks.items() if number != 1]
    faults += [f"{row[0]} is {row[3]}" for row in rows if row[3] != "launched"]
    for key, told in senders.answers.items():
        if told != {stored.get(key)}:
            faults.append(f"{key} was answered with {told}, and the row says {stored.get(key)}")
    if tasks.total() != len(stored) or len(stored) != KILLS * KEYS_OF_A_KILL:
        faults.append(f"{len(stored)} deliveries and {tasks.total()} runs of {KILLS * KEYS_OF_A_KILL}")
    return faults
