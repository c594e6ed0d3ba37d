"""Workers and web servers in subprocesses, on a database and a Redis prefix of the test's own."""

import json
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.rows import dict_row

from tests import site_process
from tests.live_site import START_LIMIT_S, LiveSite, clean_environment, manage
from tests.migrated_postgres import migrate_postgres
from tests.services import Services, need_services, own_services
from tests.wire import Answer, Hang, Request, WireServer

SOON_S = 30.0
LEASE_S = 3


@pytest.fixture(scope="session")
def prepared_database(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[str]:
    """The name of a migrated database, used as a template for copies."""
    need_services()
    with own_services() as services:

        def migrate() -> None:
            done = manage("migrate", data=tmp_path_factory.mktemp("migrating"), environment=services.environment)
            assert done.returncode == 0, done.stderr

        migrate_postgres(services.database_url, shared_folder, migrate)
        yield urlsplit(services.database_url).path.strip("/")


class Worker:
    """A `manage.py worker` process."""

    def __init__(self, cluster: "Cluster", log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("w") as stream:
            environment = clean_environment(cluster.data, cluster.environment)
            self.process = site_process.start(["worker", *arguments], environment, stderr=stream)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        output: Any = self.process.stdout
        threading.Thread(target=lambda: self._lines.put(output.readline()), daemon=True).start()

    def is_up(self) -> None:
        """Return once the worker hosts runs."""
        line = self._lines.get(timeout=START_LIMIT_S)
        assert line.startswith("Worker: "), self.log.read_text()

    def stop(self) -> int:
        """Send SIGTERM. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SOON_S)

    def kill(self) -> None:
        """Send SIGKILL: the worker cannot clean up."""
        self.process.kill()
        self.process.wait(SOON_S)

    def close(self) -> None:
        """Kill the worker if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Cluster:
    """Processes that share a database and Redis. The model is a wire server whose replies can be held."""

    def __init__(self, folder: Path, services: Services, model: WireServer, held: ExitStack) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.services = services
        self.model = model
        self._folder = folder
        self._held = held
        self._database = held.enter_context(
            psycopg.connect(services.database_url, autocommit=True, row_factory=dict_row)
        )
        endpoint = {"name": "wire", "kind": "openai", "base_url": model.base_url, "models": ["m1"]}
        self.environment = {
            **services.environment,
            "AGENTSITE_ENDPOINTS": json.dumps([endpoint]),
            "AGENTSITE_LEASE_S": str(LEASE_S),
            "AGENTSITE_LOG_LEVEL": "WARNING",
        }
        self.ask("UPDATE runs_agent SET model_names = '[\"wire/m1\"]'")
        self._started = 0

    def workers(self, count: int, *arguments: str) -> list[Worker]:
        """Start `count` workers at once. Returns when all host runs."""
        started = []
        for _ in range(count):
            self._started += 1
            worker = Worker(self, self._folder / f"worker-{self._started}.log", *arguments)
            self._held.callback(worker.close)
            started.append(worker)
        for worker in started:
            worker.is_up()
        return started

    def site(self) -> LiveSite:
        """Start a web server."""
        self._started += 1
        data = self._folder / f"site-{self._started}"
        data.mkdir()
        site = LiveSite(data, self.environment)
        self._held.callback(site.close)
        return site.start()

    def ask(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Query the database directly, past all processes."""
        cursor = self._database.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []

    def run(self, run_id: str) -> dict[str, Any]:
        """The row of a run."""
        return self.ask("SELECT * FROM runs_run WHERE id = %s", run_id)[0]

    def steps(self, run_id: str) -> list[dict[str, Any]]:
        """The steps of a run, in order."""
        return self.ask("SELECT * FROM runs_step WHERE run_id = %s ORDER BY sequence", run_id)

    def launch(self, tasks: list[str]) -> list[str]:
        """Launch runs of the default agent from a subprocess. Returns their ids."""
        code = (
            "import json; from runs.engine import control\n"
            f"print(json.dumps([str(control.launch(user=None, task=task).pk) for task in {tasks!r}]))"
        )
        done = manage("shell", "--no-imports", "-c", code, data=self.data, environment=self.environment)
        assert done.returncode == 0, done.stderr
        launched: list[str] = json.loads(done.stdout)
        return launched

    def until(self, is_there: Callable[[], Any], limit_s: float = SOON_S) -> Any:
        """The first true value of `is_there()`. Raises `AssertionError` after `limit_s`."""
        give_up_at = time.monotonic() + limit_s
        while not (found := is_there()):
            assert time.monotonic() < give_up_at, self.ask("SELECT id, status, owner, epoch, crashes FROM runs_run")
            time.sleep(0.02)
        return found

    def ended(self, run_ids: list[str], limit_s: float = SOON_S) -> list[dict[str, Any]]:
        """The rows of these runs, once all have ended."""

        def rows() -> list[dict[str, Any]]:
            found = self.ask("SELECT * FROM runs_run WHERE id = ANY(%s::uuid[]) ORDER BY created_at", run_ids)
            return found if all(row["ended_at"] for row in found) else []

        return list(self.until(rows, limit_s))

    def hosted(self, run_ids: list[str]) -> dict[str, str]:
        """The owners of these runs by id, once all are hosted."""

        def owners() -> dict[str, str]:
            found = {run_id: self.run(run_id)["owner"] for run_id in run_ids}
            return found if all(found.values()) else {}

        return dict(self.until(owners))


def reply_to(request: Request) -> Answer | Hang:
    """A reply; for a task that begins with "hold" only once the model is released."""
    return Hang() if "hold" in json.dumps(request.body["messages"][-1]) else Answer("That is all.")


@pytest.fixture
def cluster(prepared_database: str, tmp_path: Path) -> Iterator[Cluster]:
    """A database and a Redis prefix of the test's own, without processes yet."""
    with ExitStack() as held:
        services = held.enter_context(own_services(prepared_database))
        model = held.enter_context(WireServer(otherwise=reply_to))
        yield Cluster(tmp_path, services, model, held)
