"""E33: people steer runs whose processes die: every message is read once, in order, and never inside a turn."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, NamedTuple
from uuid import UUID

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.script import label_of, messages_in
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED, size
from tests.chaos.verdict import assert_sound
from tests.wire import Request

MESSAGES = size(short=60, full=1000)
PEOPLE = 6
MOST_AT_ONCE = 4
BOUNDARIES = ("claim", "reply", "start", "result", "finish", "message", "read_messages")
REACHED_IN_S = 4.0
"""How long a boundary may not be reached before the process is killed where it is."""
ENDED = ("completed", "failed", "cancelled")


class Message(NamedTuple):
    """A row."""

    id: str
    run: str
    position: int
    text: str
    state: str


@dataclass
class Person:
    """Sends messages to one run after the other, in order, each until the site has said yes or no."""

    site: Attacked
    name: str
    texts: Sequence[str]
    chance: random.Random
    accepted: list[str] = field(default_factory=list)
    runs: int = 0

    def work(self) -> None:
        """Send all texts. A run that has ended meanwhile is followed by another one."""
        run = self._launch()
        for number, text in enumerate(self.texts):
            while not self._send(run, f"{self._label} {text}", f"{self.name}x{self.runs}x{number}"):
                run = self._launch()
            self.accepted.append(f"{self._label} {text}")
            if self.chance.random() < 1 / MOST_AT_ONCE:
                time.sleep(self.chance.uniform(0, 0.4))  # Part of the random moment.
        if self._send(run, f"{self._label} last", f"{self.name}x{self.runs}xlast"):
            self.accepted.append(f"{self._label} last")

    @property
    def _label(self) -> str:
        return f"{self.name}r{self.runs}"

    def _launch(self) -> str:
        """The id of a new run, found by its task if the response was lost."""
        self.runs += 1
        task = f"steer {self._label}"
        while True:
            self.site.launch(task, agent="Steered", once=f"launch{self._label}")
            with self.site.ask() as query:
                found = query(f"SELECT id FROM runs_run WHERE task = '{task}'")
            if found:
                return str(UUID(str(found[0][0])))
            time.sleep(0.05)  # It is being started again.

    def _send(self, run: str, text: str, once: str) -> bool:
        """False if the run has ended."""
        fields = {"text": text, "once": once} | ({"interrupt": "1"} if self.chance.random() < 0.2 else {})
        while True:
            try:
                with self.site.visitor() as visitor:
                    status, _ = visitor.post(f"/runs/{run}/messages/", **fields)
            except (OSError, HTTPException):
                time.sleep(0.05)  # It is being started again.
                continue
            if status == 302:
                return True
            assert status == 409, f"A message was answered with {status}."
            with self.site.ask() as query:
                ((state,),) = query(f"SELECT status FROM runs_run WHERE task = 'steer {self._label}'")
            if state in ENDED:
                return False
            time.sleep(0.05)  # Too many wait already.


def test_a_server_that_dies_again_and_again_reads_every_message_once_and_in_order(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    report("E33", f"SQLite: {steer(start_chaos(CHAOS_CALL_S='0.02'))}")


def test_workers_that_die_again_and_again_read_every_message_once_and_in_order(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    report("E33", f"Postgres, 2 workers: {steer(start_fleet(workers=2, AGENTSITE_LEASE_S='1', CHAOS_CALL_S='0.02'))}")


def steer(site: Attacked) -> str:
    """People send messages while processes die; returns the figures."""
    chance = random.Random(SEED)
    texts = [f"message {number}" for number in range(MESSAGES)]
    people = [Person(site, f"p{n}", texts[n::PEOPLE], random.Random(SEED + n)) for n in range(PEOPLE)]
    with ThreadPoolExecutor(PEOPLE) as crowd:
        working = [crowd.submit(person.work) for person in people]
        kills, boundaries = die_until(site, lambda: all(each.done() for each in working), chance)
        for each in working:
            each.result()
    site.wait_until(site.all_ended, limit_s=180)

    accepted = [text for person in people for text in person.accepted]
    messages = messages_of(site)
    faults = [*faults_of_rows(site, messages, accepted), *faults_of_requests(messages, site.model.requests)]
    assert not faults, "\n".join([f"{len(faults)} faults (CHAOS_SEED={SEED})", *faults[:20]])
    assert_sound(site.evidence(served_tokens=None))
    assert kills
    runs, turns = len({each.run for each in messages}), len(site.model.requests)
    return (
        f"{len(accepted)} messages to {runs} runs, {kills} kills ({boundaries} at a commit), {turns} requests: "
        "0 lost, 0 twice, order kept, 0 between a call and its result"
    )


def die_until(site: Attacked, is_over: Callable[[], bool], chance: random.Random) -> tuple[int, int]:
    """Make processes die, at a boundary or where they are, until all messages are sent; returns how many died, and how
    many of them at a boundary."""
    kills = hits = 0
    while not is_over():
        time.sleep(chance.uniform(0.1, 0.8))  # Part of the random moment.
        site.arm(f"{chance.choice(('before', 'after'))}_{chance.choice(BOUNDARIES)}")
        try:
            site.wait_for_a_death(limit_s=REACHED_IN_S)
        except TimeoutError:
            site.disarm()
            if not isinstance(site, ChaosSite):
                continue
            site.kill()
        else:
            hits += 1
        kills += 1
        site.disarm()
        site.start()
    return kills, hits


def messages_of(site: Attacked) -> list[Message]:
    """All messages, by run and position."""
    with site.ask() as query:
        rows = query("SELECT id, run_id, position, text, state FROM runs_runmessage ORDER BY run_id, position")
    return [Message(UUID(str(row)).hex, UUID(str(run)).hex, *rest) for row, run, *rest in rows]


def faults_of_rows(site: Attacked, messages: list[Message], accepted: list[str]) -> Iterator[str]:
    """What the rows of messages, steps and calls show: lost and doubled messages, a wrong order, a wrong place."""
    stored = [message.text for message in messages]
    yield from (f"accepted and not stored: {text}" for text in set(accepted) - set(stored))
    yield from (f"stored twice: {text}" for text in set(stored) if stored.count(text) > 1)
    yield from (f"not read but {each.state}: {each.text}" for each in messages if each.state != "read")
    with site.ask() as query:
        rows = query("SELECT run_id, sequence, kind, content, call_id FROM runs_step ORDER BY run_id, sequence")
    steps: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for run, *rest in rows:
        steps[UUID(str(run)).hex].append(tuple(rest))
    of_run: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        of_run[message.run].append(message.text)
    for run, recorded in steps.items():
        said = [content for _, kind, content, _ in recorded if kind == "message"]
        if said != of_run[run]:
            yield f"run {run}: the steps are {said}, the messages {of_run[run]}"
        yield from _inside_a_turn(run, recorded)


def _inside_a_turn(run: str, steps: list[tuple[Any, ...]]) -> Iterator[str]:
    open_calls: set[str] = set()
    for sequence, kind, content, call in steps:
        if kind == "tool_call":
            open_calls.add(str(call))
        elif kind == "tool_result":
            open_calls.discard(str(call))
        elif kind == "message" and open_calls:
            yield f"run {run}: {content} is step {sequence}, between a call and its result"


def faults_of_requests(messages: list[Message], requests: Sequence[Request]) -> Iterator[str]:
    """What the model was sent: each request has the first messages of the run, each of them once, and one has all. The
    model server itself refuses a conversation in which something stands between a call and its result."""
    in_order: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        in_order[message.text.split()[0]].append(message.text)
    most: dict[str, int] = defaultdict(int)
    for request in requests:
        label, said = label_of(request), messages_in(request)
        heard = [line for line in said if line.startswith(f"{label} ")]
        if heard != in_order[label][: len(heard)]:
            yield f"{label}: a request has {heard}, the run {in_order[label]}"
        most[label] = max(most[label], len(heard))
    for label, texts in in_order.items():
        if most[label] != len(texts):
            yield f"{label}: the model has heard {most[label]} of {len(texts)} messages"
