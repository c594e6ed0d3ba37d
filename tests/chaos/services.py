"""Postgres and Redis servers of an experiment's own, to be stopped, killed and starved."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import psycopg
import redis

START_LIMIT_S = 60.0
_SETTINGS = {
    "fsync": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "logging_collector": "off",
}


def postgres_programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`: Debian keeps them off the PATH. None if they are not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def missing_services() -> str:
    """The missing requirement of the scale-out experiments; empty if all are installed."""
    if postgres_programs() is None:
        return "needs PostgreSQL's programs (Debian: apt install postgresql)"
    if shutil.which("redis-server") is None:
        return "needs redis-server (Debian: apt install redis-server)"
    if os.getuid() == 0 and shutil.which("runuser") is None:
        return "needs runuser, because PostgreSQL does not run as root"
    return ""


class Cluster:
    """A Postgres cluster in a folder of its own, with no database yet."""

    def __init__(self) -> None:
        programs = postgres_programs()
        assert programs is not None, "not installed"
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="agentsite-postgres-"))
        # Postgres refuses to run as root; its own user exists wherever it is installed.
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.user = "postgres"
        self.port = free_port()

    def address_of(self, database: str, *, port: int = 0) -> str:
        """A DATABASE_URL, directly or through a proxy at another port."""
        return f"postgres://{self.user}@127.0.0.1:{port or self.port}/{database}"

    def create(self) -> None:
        """Create the cluster and start it."""
        if self._as_user:
            shutil.chown(self._folder, "postgres")
        self._run("initdb", "-D", self._data, "-U", self.user, "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        options += f" -c port={self.port} -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        limit = f"{START_LIMIT_S:.0f}"
        self._run("pg_ctl", "start", "-D", self._data, "-w", "-t", limit, "-l", log, "-o", options)

    def stop(self, how: Literal["fast", "immediate"]) -> None:
        """Stop it: `fast` ends every session, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-D", self._data, "-w", "-m", how)

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Execute a statement as the superuser, who has reserved connections."""
        with psycopg.connect(self.address_of("postgres"), autocommit=True) as database:
            cursor = database.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def wait_until_it_answers(self) -> None:
        """Wait until it takes connections, as after a crash recovery."""
        wait_until(self._answers)

    def kill_backend(self, pid: int) -> None:
        """kill -9 of the process of one session, which Postgres treats as a crash of its own."""
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Stop it and remove its folder."""
        stop = [*self._as_user, str(self._programs / "pg_ctl"), "stop", "-D", self._data, "-m", "immediate"]
        subprocess.run(stop, capture_output=True, cwd=self._folder, check=False)  # It may be stopped already.
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("SELECT 1"))
        except psycopg.OperationalError:
            return False

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._programs / program), *arguments]
        # Not a pipe: the server inherits it, and reading would wait for the server's end.
        with (self._folder / "programs.log").open("a+") as log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd=self._folder, timeout=120, check=False)
            log.seek(0)
            assert done.returncode == 0, f"{program}: {log.read()[-2000:]}"


class Doorbell:
    """A Redis server without persistence."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """A REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty; returns when it answers."""
        self._process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--enable-debug-command", "local"),
            ],
            stdout=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
        )
        wait_until(self._answers)

    def stop(self) -> None:
        """Kill it; its data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def do(self, *command: str) -> None:
        """Send it a command."""
        with redis.Redis(port=self.port, socket_timeout=60) as client:
            client.execute_command(*command)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def free_port() -> int:
    """A free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(is_so: Callable[[], bool], *, limit_s: float = START_LIMIT_S) -> None:
    """Wait until `is_so()`. Raises `TimeoutError`."""
    give_up_at = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"Waited {limit_s:g} s.")
        time.sleep(0.05)
