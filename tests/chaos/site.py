"""A real server under attack: its model, its tools with their witness, and its rows read behind its back."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from tests.chaos.checker import CallSeen, Evidence, Rows, RunSeen, Started, StepSeen
from tests.live_site import LiveSite
from tests.visitor import Visitor
from tests.wire import Answer, Request, WireServer

TURNS = 2
WORK = ("work_read", "work_pure", "work_idempotent")
EVERY_S = 0.05


class ChaosSite:
    """A server whose default agent asks the wire model, which asks for the tools of `tests.chaos.tools`.

    A task is `<tool> <label>`: `work r7` makes two turns of three or four short calls, any other tool is called once.
    """

    def __init__(self, data: Path, witness: Path, session: str) -> None:
        self.witness = witness
        self.session = session
        self.model = WireServer(otherwise=reply_to)
        self.launched: list[str] = []
        """Ids of the runs whose launch was answered, as the database writes them."""
        self.killed = 0
        """The process that was killed last."""
        self._data = data

    def __enter__(self) -> Self:
        self.model.start()
        endpoint = {"name": "wire", "kind": "openai", "base_url": self.model.base_url, "models": ["m1"]}
        self.live = LiveSite(
            self._data,
            {
                "AGENTSITE_ENDPOINTS": json.dumps([endpoint]),
                "AGENTSITE_TOOLS": "tests.chaos.tools",
                "AGENTSITE_WITNESS": str(self.witness),
                "AGENTSITE_LOG_LEVEL": "WARNING",
            },
        )
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.close()
        self.model.stop()

    # What is done to it

    def visitor(self) -> Visitor:
        """A signed-in person."""
        return Visitor(self.live.url, session=self.session)

    def launch(self, *tasks: str) -> list[str]:
        """Launch runs over HTTP, several at a time. The tasks that got no answer, because the server is gone."""

        def launch_some(some: Sequence[str]) -> list[str]:
            with self.visitor() as visitor:
                return [task for task in some if not self._answered(visitor, task)]

        with ThreadPoolExecutor(4) as people:
            unanswered = people.map(launch_some, [tasks[start::4] for start in range(4)])
        return [task for some in unanswered for task in some]

    def _answered(self, visitor: Visitor, task: str) -> bool:
        try:
            self.launched.append(UUID(visitor.launch(task)).hex)
        except (OSError, HTTPException):
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, and who it was."""
        self.killed = self.live.process.pid
        self.live.kill()

    def allow(self, name: str) -> None:
        """Make the file the tools wait for."""
        (self.witness / name).touch()

    def forbid(self, name: str) -> None:
        """Take it away again."""
        (self.witness / name).unlink()

    # What is seen of it

    def starts(self) -> list[Started]:
        """Calls the witness saw start, in order."""
        log = self.witness / "log"
        # What follows the last line's end is still being written.
        whole = log.read_text().rpartition("\n")[0] if log.exists() else ""
        lines = [json.loads(line) for line in whole.splitlines()]
        return [
            Started((line["run"], line["turn"], line["place"]), line["pid"])
            for line in lines
            if line["event"] == "start"
        ]

    def statuses(self) -> list[tuple[str, str]]:
        """Status and what is waited for of every run, in the order they came."""
        with self._database() as database:
            return database.execute("SELECT status, waiting_for FROM runs_run ORDER BY created_at, id").fetchall()

    def error_code(self, run_id: str) -> str:
        """The code of the error that ended a run."""
        with self._database() as database:
            (error,) = database.execute("SELECT error FROM runs_run WHERE id = ?", [run_id]).fetchone()
        return str(json.loads(error)["code"])

    def rows(self) -> Rows:
        """Everything, in one read transaction."""
        with self._database() as database:
            database.execute("BEGIN")
            runs = database.execute("SELECT id, status, owner, next_sequence - 1 FROM runs_run")
            steps = database.execute("SELECT run_id, sequence, epoch, kind, content, call_id FROM runs_step")
            calls = database.execute('SELECT call_id, run_id, turn, "index", state, arguments FROM runs_toolcall')
            (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
            return Rows(
                [RunSeen(*row) for row in runs],
                [StepSeen(*row) for row in steps],
                [_call(*row) for row in calls],
                integrity,
            )

    def evidence(self, before: Rows) -> Evidence:
        """What the checker judges by."""
        return Evidence(self.launched, self.killed, before, self.rows(), self.starts())

    def wait_until(self, is_so: Callable[[], Any], *, limit_s: float = 60) -> None:
        """Return as soon as `is_so()`. Raises `TimeoutError` with what the server logged."""
        give_up_at = time.monotonic() + limit_s
        while not is_so():
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{self.statuses()}\n{self.live.log.read_text()[-4000:]}")
            time.sleep(EVERY_S)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._data / "agentsite.sqlite3", timeout=20, isolation_level=None)) as database:
            yield database


def reply_to(request: Request) -> Answer:
    """What the model says next follows from what was said: the same whenever it is asked again."""
    messages = request.body["messages"]
    tool, label = next(each["content"] for each in messages if each["role"] == "user").split()
    turn = 1 + sum(each["role"] == "assistant" for each in messages)
    if turn > (TURNS if tool == "work" else 1):
        return Answer(f"{label} is done.")
    width = 3 + (len(label) + turn) % 2 if tool == "work" else 1
    calls = [
        (WORK[(turn + place) % 3] if tool == "work" else tool, {"run": label, "turn": turn, "place": place})
        for place in range(width)
    ]
    return Answer(reasoning=f"Turn {turn} of {label}.", calls=calls)


def _call(call_id: str, run: str, turn: int, index: int, state: str, arguments: str) -> CallSeen:
    told = json.loads(arguments)
    return CallSeen(call_id, run, turn, index, state, place=(told["run"], told["turn"], told["place"]))
