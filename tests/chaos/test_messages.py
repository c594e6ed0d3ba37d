"""E33: people steer runs whose processes die: every message is read once, in order, and never inside a turn."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.script import label_of, messages_in
from tests.chaos.site import ChaosSite
from tests.chaos.size import IS_FULL, SEED, size
from tests.chaos.verdict import assert_sound
from tests.wire import Request

MESSAGES = size(short=60, full=1000)
PEOPLE = size(short=6, full=12)
OF_A_RUN = 12
"""Messages of one run: each request has the whole conversation, so a long run takes long."""
PAUSE_S = size(short=0.2, full=2.0)
"""The longest between two messages of a person: kills come every few seconds."""
LIFE_S = size(short=0.8, full=6.0)
"""The longest that all processes live before the next point is armed."""
CALL_S = size(short="0.1", full="0.8")
BOUNDARIES = ("launch", "claim", "reply", "start", "result", "finish", "message", "read_messages")
POINTS = tuple(f"{side}_{boundary}" for boundary in BOUNDARIES for side in ("before", "after"))
REACHED_IN_S = 5.0
"""How long a boundary may not be reached before the process is killed where it is."""
LOST_IN_A_ROW = 2
"""After that a run is only tried by a process that has lived for a while."""
ENDED = ("completed", "failed", "cancelled")

pytestmark = pytest.mark.usefixtures("forked")


class Message(NamedTuple):
    """A row."""

    id: str
    run: str
    position: int
    text: str
    state: str


@dataclass
class Person:
    """Sends messages to one run after the other, in order, `OF_A_RUN` to each, until the site has said yes or no."""

    site: Attacked
    name: str
    texts: Sequence[str]
    chance: random.Random
    accepted: list[str] = field(default_factory=list)
    """As they were sent, or changed where the site has said yes to that too."""
    regretted: set[str] = field(default_factory=set)
    """Those that were to be withdrawn, if they were not read before."""
    runs: int = 0

    def work(self) -> None:
        """Send all texts. A run that has enough of them, or has ended meanwhile, is followed by another one."""
        run = self._launch()
        for number, text in enumerate(self.texts):
            if number and not number % OF_A_RUN:
                self._send_last(run)
                run = self._launch()
            while not self._send(run, f"{self._label} {text}", f"{self.name}x{self.runs}x{number}"):
                run = self._launch()
            self.accepted.append(self._changed_mind(run, f"{self._label} {text}"))
            time.sleep(self.chance.uniform(0, PAUSE_S))  # Part of the random moment.
        self._send_last(run)

    def _send_last(self, run: str) -> None:
        """After this message the run is done."""
        if self._send(run, f"{self._label} last", f"{self.name}x{self.runs}xlast"):
            self.accepted.append(f"{self._label} last")

    def _changed_mind(self, run: str, text: str) -> str:
        """Now and then another text for a message, or it is withdrawn; returns the text that it has then."""
        act = self.chance.choices(("stay", "edit", "withdraw"), (0.8, 0.1, 0.1))[0]
        if act == "stay":
            return text
        with self.site.ask() as query:
            ((found,),) = query(f"SELECT id FROM runs_runmessage WHERE text = '{text}'")
        address = f"/runs/{run}/messages/{UUID(str(found))}/"
        if act == "withdraw":
            self.regretted.add(text)
            self._post(f"{address}withdraw/")
        elif self._post(address, text=f"{text} changed") != 302:
            # Read before; or the answer to the first try was lost, and the change was read.
            with self.site.ask() as query:
                ((text,),) = query(f"SELECT text FROM runs_runmessage WHERE id = '{found}'")
        else:
            text = f"{text} changed"
        return text

    def _post(self, address: str, **fields: str) -> int:
        """The status of the answer, which the site gives sooner or later."""
        while True:
            try:
                with self.site.visitor() as visitor:
                    return visitor.post(address, **fields)[0]
            except (OSError, HTTPException):
                time.sleep(0.05)  # It is being started again.

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
            status = self._post(f"/runs/{run}/messages/", **fields)
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
    report("E33", f"SQLite: {steer(start_chaos(CHAOS_CALL_S=CALL_S))}")


def test_workers_that_die_again_and_again_read_every_message_once_and_in_order(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    report("E33", f"Postgres, 2 workers: {steer(start_fleet(workers=2, AGENTSITE_LEASE_S='1', CHAOS_CALL_S=CALL_S))}")


def steer(site: Attacked) -> str:
    """People send messages while processes die; returns the figures."""
    chance = random.Random(SEED)
    texts = [f"message {number}" for number in range(MESSAGES)]
    people = [Person(site, f"p{n}", texts[n::PEOPLE], random.Random(SEED + n)) for n in range(PEOPLE)]
    with ThreadPoolExecutor(PEOPLE) as crowd:
        working = [crowd.submit(person.work) for person in people]
        kills, reached = die_until(site, lambda: all(each.done() for each in working), chance)
        for each in working:
            each.result()
    site.wait_until(site.all_ended, limit_s=180)

    accepted = [text for person in people for text in person.accepted]
    stored = messages_of(site)
    regretted = set[str]().union(*(person.regretted for person in people))
    withdrawn = [each for each in stored if each.state == "withdrawn" and each.text in regretted]
    messages = [each for each in stored if each not in withdrawn]
    faults = [
        *(f"accepted and not stored: {text}" for text in set(accepted) - {each.text for each in stored}),
        *faults_of_rows(site, messages),
        *faults_of_requests(messages, site.model.requests),
    ]
    assert not faults, "\n".join([f"{len(faults)} faults (CHAOS_SEED={SEED})", *faults[:20]])
    assert_sound(site.evidence(served_tokens=None))
    assert kills
    if IS_FULL:
        assert reached.keys() == set(POINTS), f"Nothing died at {set(POINTS) - reached.keys()}"
    runs, turns = len({each.run for each in messages}), len(site.model.requests)
    changed = sum(text.endswith("changed") for text in accepted)
    return (
        f"{len(accepted)} messages to {runs} runs, {changed} of them changed "
        f"and {len(withdrawn)} withdrawn, {kills} kills ({reached.total()} at a commit, at {len(reached)} of "
        f"{len(POINTS)} points), {turns} requests: "
        "0 lost, 0 twice, order kept, 0 between a call and its result"
    )


def die_until(site: Attacked, is_over: Callable[[], bool], chance: random.Random) -> tuple[int, Counter[str]]:
    """Make processes die, at a point of a commit or where they are, until all messages are sent; returns how many died,
    and how many of them at each point. No point comes again before all others have come."""
    kills, reached, points = 0, Counter[str](), list[str]()
    while not is_over():
        time.sleep(chance.uniform(0.1, LIFE_S))  # Part of the random moment.
        site.wait_until(lambda: is_over() or not are_lost_again(site))
        points = points or chance.sample(POINTS, len(POINTS))
        site.arm(point := points.pop())
        try:
            site.wait_for_a_death(limit_s=REACHED_IN_S)
        except TimeoutError:
            site.disarm()
            if not isinstance(site, ChaosSite):
                continue
            site.kill()
        else:
            reached[point] += 1
        kills += 1
        site.disarm()
        site.start()
    return kills, reached


def are_lost_again(site: Attacked) -> bool:
    """True if a run was lost several times in a row without a step: another loss would keep it from all processes for
    longer than they live."""
    with site.ask() as query:
        lost = f"SELECT COUNT(*) FROM runs_run WHERE ended_at IS NULL AND crashes >= {LOST_IN_A_ROW}"
        return bool(query(lost)[0][0])


def messages_of(site: Attacked) -> list[Message]:
    """All messages, by run and position."""
    with site.ask() as query:
        rows = query("SELECT id, run_id, position, text, state FROM runs_runmessage ORDER BY run_id, position")
    return [Message(UUID(str(row)).hex, UUID(str(run)).hex, *rest) for row, run, *rest in rows]


def faults_of_rows(site: Attacked, messages: list[Message]) -> Iterator[str]:
    """What the rows of messages, steps and calls show: lost and doubled messages, a wrong order, a wrong place."""
    stored = [message.text for message in messages]
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
