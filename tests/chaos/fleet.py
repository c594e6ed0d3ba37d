"""The scale-out site under attack: a web process, workers, Postgres and Redis, each of which may be killed alone."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from tests import site_process
from tests.chaos import rows
from tests.chaos.attacked import EVERY_S, Attacked
from tests.chaos.evidence import Leftovers
from tests.chaos.services import Cluster, Doorbell, wait_until
from tests.live_site import START_LIMIT_S, LiveSite, clean_environment, first_line
from tests.site_process import Process

RESTARTED_IN_S = 1.0
STOP_LIMIT_S = 40.0
BACKENDS_LIMIT_S = 10.0
"""How long Postgres may take to end the backends of processes that have ended."""


class Worker:
    """A `manage.py worker`, optionally with a supervisor that restarts it."""

    def __init__(self, name: str, data: Path, environment: dict[str, str], *, restarts: bool) -> None:
        self.log = data.with_name(f"{name}.log")
        self.starts = 0
        self._environment = clean_environment(data, environment)
        self._restarts = restarts
        self._resting = threading.Event()
        self._hosts = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The current process."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def is_alive(self) -> bool:
        """True while it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_at_work(self) -> bool:
        """True while it runs and has reported that it hosts."""
        return self._hosts.is_set() and self.is_alive

    def start(self) -> None:
        """Start it; returns when it hosts."""
        self._resting.clear()
        self._spawn()
        if self._restarts:
            self._supervisor = threading.Thread(target=self._start_again, name=self.log.stem, daemon=True)
            self._supervisor.start()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, for good; returns the exit code. One that is starting comes up before."""
        assert self._hosts.wait(START_LIMIT_S)
        self._resting.set()
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        code = self.process.wait(STOP_LIMIT_S)
        self._let_go()
        return code

    def close(self) -> None:
        """Kill it in any state."""
        self._resting.set()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        if self._supervisor is not None:
            self._supervisor.join()
            self._supervisor = None
        self._close_output()

    def _close_output(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _spawn(self) -> None:
        self._close_output()
        self.starts += 1
        with self.log.open("a") as log:
            self._process = site_process.start(["worker"], self._environment, stderr=log)
        if first_line(self._process, START_LIMIT_S):
            self._hosts.set()

    def _start_again(self) -> None:
        while True:
            self.process.wait()
            self._hosts.clear()
            if self._resting.wait(RESTARTED_IN_S):
                return
            self._spawn()


class Fleet(Attacked):
    """A web process and workers on a database and a Redis server of their own."""

    def __init__(
        self,
        data: Path,
        witness: Path,
        session: str,
        *,
        cluster: Cluster,
        database: str,
        doorbell: Doorbell,
        workers: int,
        restarts: bool,
        **environment: str,
    ) -> None:
        super().__init__(witness, session)
        self.cluster = cluster
        self.doorbell = doorbell
        self.database = database
        self._data = data
        self._extra = environment
        self._restarts = restarts
        self._size = workers
        self.workers: list[Worker] = []
        self.web = LiveSite(data)

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        services = {"DATABASE_URL": self.database, "REDIS_URL": self.doorbell.address}
        return super().environment() | services | self._extra

    @property
    def url(self) -> str:
        """The address of the web process."""
        return self.web.url

    def start(self) -> None:
        """Start those of its processes that do not run."""
        if not self.workers:
            self.web.environment = environment = self.environment()
            self.workers = [
                Worker(f"{self._data.name}-worker-{number}", self._data, environment, restarts=self._restarts)
                for number in range(self._size)
            ]
        members: list[LiveSite | Worker] = [self.web, *self.workers]
        with ThreadPoolExecutor() as starters:
            list(starters.map(lambda member: member.is_alive or member.start(), members))

    def terminate(self) -> None:
        """SIGTERM to every worker."""
        for worker in self.workers:
            worker.process.terminate()

    def wait_for_a_death(self, *, limit_s: float = 30) -> None:
        """Wait until one of its processes has died."""
        give_up_at = time.monotonic() + limit_s
        while self.web.is_alive and all(worker.is_alive for worker in self.workers):
            if time.monotonic() > give_up_at:
                raise TimeoutError(self.log())
            time.sleep(EVERY_S)

    def stop(self) -> list[int]:
        """SIGTERM to all of them, workers first; returns the exit codes once Postgres has ended their backends."""
        codes = [*(worker.stop() for worker in self.workers), self.web.stop()]
        with suppress(TimeoutError):  # the checker tells what is left
            wait_until(lambda: not self.leftovers().connections, limit_s=BACKENDS_LIMIT_S)
        return codes

    def close(self) -> None:
        """Stop everything."""
        for worker in self.workers:
            worker.close()
        self.web.close()

    def ask(self) -> AbstractContextManager[rows.Query]:
        """Query its database."""
        return rows.postgres(self.database)

    def leases_have_ended(self) -> bool:
        """True if no lease holds: a worker looks when it starts, and then every five seconds."""
        with self.ask() as query:
            return bool(query("SELECT COUNT(*) = 0 FROM runs_run WHERE lease_until > now()")[0][0])

    def log(self) -> str:
        """The end of its processes' logs."""
        logs = [self.web.log, *(worker.log for worker in self.workers)]
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in logs if log.exists())

    def leftovers(self) -> Leftovers:
        """Open database connections."""
        name = self.database.rsplit("/", 1)[1]
        found = self.cluster.ask(
            f"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        return Leftovers(connections=int(str(found[0][0])))
