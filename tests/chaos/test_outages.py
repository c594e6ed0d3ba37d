"""E7 to E9 and E11: database and doorbell fail and come back, and no run is harmed."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from typing import Any

import psycopg
import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.proxy import Proxy
from tests.chaos.services import Cluster, Doorbell
from tests.chaos.size import only_whole, size
from tests.chaos.verdict import assert_sound

RUNS = size(short=10, full=100)
LEASE_S = 10
BACK_IN_S = 15.0
SEEN_IN_S = 10.0


@pytest.fixture
def site(start_fleet: Callable[..., Fleet]) -> Fleet:
    """Two workers with hosted runs, with viewers, and calls long enough to overlap with an outage."""
    return at_work(start_fleet)


def at_work(start_fleet: Callable[..., Fleet], **options: Any) -> Fleet:
    """The fleet of these experiments, under load."""
    about = {"AGENTSITE_LEASE_S": str(LEASE_S), "AGENTSITE_WORKER_RUNS": "20", "CHAOS_CALL_S": "1"} | options
    site = start_fleet(workers=2, restarts=True, **about)
    site.launch(*(f"mixed r{number}" for number in range(RUNS)))
    site.viewers.watch(site.launched[:: RUNS // 10])
    site.wait_until(lambda: site.count_starts() >= RUNS // 2)
    return site


@pytest.mark.parametrize(
    ("how", "down_s", "times"),
    [
        pytest.param("fast", 0, 1, id="restart", marks=only_whole),
        pytest.param("immediate", 0, 1, id="crash"),
        pytest.param("fast", 45, 1, id="down for 45 s", marks=only_whole),
        pytest.param("fast", 120, 1, id="down for 120 s", marks=only_whole),
        pytest.param("immediate", 1, 10, id="10 restarts", marks=only_whole),
    ],
)
def test_postgres_goes_away_and_comes_back(
    how: str, down_s: float, times: int, site: Fleet, report: Callable[[str, str], None]
):
    answers, backs = set(), []
    for _ in range(times):
        site.cluster.stop("immediate" if how == "immediate" else "fast")
        answers |= set(answers_for(site, down_s))
        site.cluster.start()
        backs.append(until_at_work(site))

    report(
        "E7", f"Postgres {how}, down {down_s} s, {times} times: {finish(site)}, at work again after {max(backs):.1f} s"
    )
    assert answers <= {503}
    assert max(backs) <= BACK_IN_S


@only_whole
def test_postgres_backends_are_killed_and_its_connections_are_used_up(site: Fleet, report: Callable[[str, str], None]):
    name = site.database.rsplit("/", 1)[1]
    others = f"FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    most = site.leftovers().connections

    ((pid,),) = site.cluster.ask(f"SELECT pid {others} LIMIT 1")
    site.cluster.kill_backend(int(str(pid)))
    site.cluster.wait_until_it_answers()
    until_at_work(site)
    site.cluster.ask(f"SELECT pg_terminate_backend(pid) {others}")
    until_at_work(site)
    with all_connections(site):
        time.sleep(size(short=2, full=10))  # The duration of the outage.
    until_at_work(site)
    growth = site.leftovers().connections - most

    report("E8", f"one backend killed, all terminated, connections used up: {finish(site)}, {growth:+d} connections")
    assert growth <= most


@only_whole
def test_the_network_to_postgres_is_slow_deaf_and_broken(
    start_fleet: Callable[..., Fleet], cluster: Cluster, report: Callable[[str, str], None]
):
    with Proxy(cluster.port) as proxy:
        site = at_work(start_fleet, through=proxy.port)
        proxy.latency_s = (0.1, 0.3)
        time.sleep(10)  # The duration of the fault, as below.
        proxy.latency_s = (0.0, 0.0)
        for direction in ("to the client", "to the server"):
            proxy.stalled = direction
            time.sleep(20)
            proxy.stalled = None
            until_at_work(site)
        for _ in range(5):
            proxy.reset_all()
            time.sleep(2)

        told = finish(site)

    report("E11", f"200 ms, then deaf for 20 s each way, then 5 resets of every connection: {told}")


@pytest.mark.parametrize(
    ("fault", "lasts_s"),
    [
        ("restart", 0),
        pytest.param("down", 60, marks=only_whole),
        pytest.param("CLIENT KILL", 0, marks=only_whole),
        pytest.param("DEBUG SLEEP", 10, marks=only_whole),
        pytest.param("maxmemory", 10, marks=only_whole),
    ],
)
def test_redis_goes_away_and_comes_back(
    fault: str, lasts_s: int, start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    # Enough work to outlast the fault, so that viewers get steps meanwhile.
    site = at_work(start_fleet, **size(short={}, full={"AGENTSITE_WORKER_RUNS": "6", "CHAOS_CALL_S": "3"}))
    starts_before = [worker.starts for worker in site.workers]

    with FAULTS[fault](site.doorbell):
        lags = [lag(site), *lags_for(site, lasts_s)]
    is_back_s = lag(site)

    report(
        "E9",
        f"Redis {fault}, {lasts_s} s: {finish(site)}; viewers behind for at most {max(lags):.1f} s meanwhile, "
        f"{is_back_s:.1f} s afterwards",
    )
    assert [worker.starts for worker in site.workers] == starts_before
    assert max(lags) <= SEEN_IN_S
    assert is_back_s <= SEEN_IN_S
    undecided = {call.run for call in site.rows().calls if call.state == "unknown"}
    assert {run.status for run in site.rows().runs if run.id not in undecided} == {"completed"}


@contextmanager
def gone(doorbell: Doorbell) -> Iterator[None]:
    """Killed, and started again empty."""
    doorbell.stop()
    try:
        yield
    finally:
        doorbell.start()


@contextmanager
def cut_off(doorbell: Doorbell) -> Iterator[None]:
    """All its clients are disconnected."""
    doorbell.do("CLIENT", "KILL", "TYPE", "normal")
    doorbell.do("CLIENT", "KILL", "TYPE", "pubsub")
    yield


@contextmanager
def asleep(doorbell: Doorbell) -> Iterator[None]:
    """The channel layer does not respond for 10 s."""
    with ThreadPoolExecutor(1) as somebody:
        sleeping = somebody.submit(doorbell.do, "DEBUG", "SLEEP", "10")
        yield
        sleeping.result()


@contextmanager
def full(doorbell: Doorbell) -> Iterator[None]:
    """Redis has no memory left."""
    doorbell.do("CONFIG", "SET", "maxmemory", "1")
    yield
    doorbell.do("CONFIG", "SET", "maxmemory", "0")


FAULTS: dict[str, Callable[[Doorbell], AbstractContextManager[None]]] = {
    "restart": gone,
    "down": gone,
    "CLIENT KILL": cut_off,
    "DEBUG SLEEP": asleep,
    "maxmemory": full,
}


def finish(site: Fleet) -> str:
    """Let everything end, and check it; returns the figures."""
    site.wait_until(lambda: at_rest(site), limit_s=240)
    undecided = site.stop_undecided()
    site.wait_until(lambda: site.all_ended() and site.viewers.are_done())
    codes = site.stop()
    seen = site.evidence(after=site.leftovers())
    assert_sound(seen)
    assert codes == [0, 0, 0]
    return f"{len(seen.rows.runs)} runs, {len(seen.rows.steps)} steps, 0 lost, {undecided} outcomes unknown"


def answers_for(site: Fleet, limit_s: float) -> Iterator[int]:
    """The status of a page, once a second."""
    give_up_at = time.monotonic() + limit_s
    with site.visitor() as visitor:
        while True:
            try:
                yield visitor.get("/runs/")[0]
            except (OSError, HTTPException) as error:
                raise AssertionError(f"The site gave no answer: {error}") from error
            if time.monotonic() >= give_up_at:
                return
            time.sleep(1)


def at_rest(site: Fleet) -> bool:
    """True if every run has ended or waits for a person; False while the database is unreachable."""
    try:
        return site.all_at_rest()
    except psycopg.OperationalError:
        return False


def until_at_work(site: Fleet) -> float:
    """Seconds until a further call starts, or nothing is left to do."""
    before = site.count_starts()
    return site.wait_until(lambda: site.count_starts() > before or at_rest(site))


def lags_for(site: Fleet, limit_s: float) -> Iterator[float]:
    """The lag of the viewers, again and again."""
    give_up_at = time.monotonic() + limit_s
    while time.monotonic() < give_up_at:
        time.sleep(1)
        yield lag(site)


def lag(site: Fleet) -> float:
    """Seconds until viewers have received all steps recorded now."""
    with site.ask() as query:
        last = {str(run).replace("-", ""): steps for run, steps in query("SELECT id, next_sequence - 1 FROM runs_run")}
    return site.wait_until(lambda: all(viewer.last >= last[viewer.run] for viewer in site.viewers.all))


@contextmanager
def all_connections(site: Fleet) -> Iterator[None]:
    """Hold every connection that Postgres has for users other than its superuser."""
    held = []
    try:
        while True:
            try:
                held.append(psycopg.connect(site.database))
            except psycopg.OperationalError:
                break
        yield
    finally:
        for connection in held:
            connection.close()
