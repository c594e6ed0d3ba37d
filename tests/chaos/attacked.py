"""What every site under attack has: its model, its tools with their witness, the people who use it, and its rows."""

import json
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from tests.chaos import rows, script
from tests.chaos.evidence import FINAL, Evidence, Leftovers, Rows, Witnessed
from tests.chaos.viewers import Viewers
from tests.visitor import Visitor
from tests.wire import WireServer

EVERY_S = 0.05


class Attacked(ABC):
    """A site whose default agent asks the model of `tests.chaos.script`, which asks for the tools of `.tools`."""

    def __init__(self, witness: Path, session: str) -> None:
        self.witness = witness
        self.session = session
        self.model = WireServer(otherwise=script.reply_to)
        self.viewers = Viewers(lambda: self.url, session)
        self.launched: list[str] = []
        """Ids of the runs whose launch was answered, as the checker writes them."""
        self.run_again: Counter[str] = Counter()
        self.before = Leftovers()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self.close)
            opened.enter_context(self.model)
            opened.enter_context(self.viewers)
            self.start()
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    @abstractmethod
    def url(self) -> str:
        """Where people find it."""

    @abstractmethod
    def start(self) -> None:
        """Start those of its processes that do not run."""

    @abstractmethod
    def terminate(self) -> None:
        """Send SIGTERM to who hosts runs, and do not wait."""

    @abstractmethod
    def wait_for_a_death(self, *, limit_s: float = 30) -> None:
        """Return when one of its processes has died. Raises `TimeoutError`."""

    @abstractmethod
    def close(self) -> None:
        """End them, and take away what they left."""

    @abstractmethod
    def ask(self) -> AbstractContextManager[rows.Query]:
        """Ask its database."""

    @abstractmethod
    def log(self) -> str:
        """The end of what its processes logged."""

    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        endpoint = {"name": "wire", "kind": "openai", "base_url": self.model.base_url, "models": ["m1"]}
        return {
            "AGENTSITE_ENDPOINTS": json.dumps([endpoint]),
            "AGENTSITE_TOOLS": "tests.chaos.tools",
            "AGENTSITE_WITNESS": str(self.witness),
            "AGENTSITE_CRASH_FILE": str(self.witness / "crash"),
            "AGENTSITE_LOG_LEVEL": "WARNING",
        }

    # What is done to it

    def visitor(self) -> Visitor:
        """A signed-in person."""
        return Visitor(self.url, session=self.session)

    def launch(self, *tasks: str, **fields: str) -> list[str]:
        """Launch runs over HTTP, several at a time. The tasks that got no answer, because the server is gone."""

        def launch_some(some: Sequence[str]) -> list[str]:
            with self.visitor() as visitor:
                return [task for task in some if not self._answered(visitor, task, fields)]

        with ThreadPoolExecutor(4) as people:
            unanswered = people.map(launch_some, [tasks[start::4] for start in range(min(4, len(tasks)))])
        return [task for some in unanswered for task in some]

    def _answered(self, visitor: Visitor, task: str, fields: dict[str, str]) -> bool:
        try:
            self.launched.append(UUID(visitor.launch(task, **fields)).hex)
        except (OSError, HTTPException):
            return False
        return True

    def stop_undecided(self) -> int:
        """Stop the runs that wait for a person to say what became of a call; how many."""
        with self.ask() as query:
            parked = query("SELECT id FROM runs_run WHERE status = 'waiting' AND waiting_for = 'decision'")
        with self.visitor() as visitor:
            for (run,) in parked:
                status, _ = visitor.post(f"/runs/{UUID(str(run))}/cancel/")
                assert status in (200, 204, 302), f"The stop was answered with {status}."
        return len(parked)

    def waiting_calls(self, state: str) -> list[tuple[str, str, str]]:
        """Run, id and arguments hash of the calls that wait for a person in a state, in the order of their places."""
        wanted = "SELECT run_id, call_id, arguments_hash FROM runs_toolcall"
        with self.ask() as query:
            calls = query(f"{wanted} WHERE state = '{state}' ORDER BY run_id, turn, \"index\"")
        return [(str(UUID(str(run))), str(UUID(str(call))), shown) for run, call, shown in calls]

    def approve(self, calls: Sequence[tuple[str, str, str]] | None = None) -> None:
        """Approve these calls, or every one that waits for it, one after the other. The site may die over it."""
        with self.visitor() as visitor:
            for run, call, shown in self.waiting_calls("awaiting_approval") if calls is None else calls:
                with suppress(OSError, HTTPException):
                    visitor.post(f"/runs/{run}/calls/{call}/approve/", arguments_hash=shown)

    def arm(self, point: str) -> None:
        """Have the first process that comes past a crash point die there."""
        ready = self.witness / "crash.ready"
        ready.write_text(point)
        ready.rename(self.witness / "crash")

    def disarm(self) -> bool:
        """Nobody dies any more. True if somebody has."""
        crash = self.witness / "crash"
        is_hit = not crash.exists()
        crash.unlink(missing_ok=True)
        return is_hit

    def allow(self, name: str) -> None:
        """Make a file the tools look for."""
        (self.witness / name).touch()

    def forbid(self, name: str) -> None:
        """Take it away again."""
        (self.witness / name).unlink()

    # What is seen of it

    def witnessed(self) -> list[Witnessed]:
        """The lines of the witness, in order."""
        log = self.witness / "log"
        # What follows the last line's end is still being written.
        whole = log.read_text().rpartition("\n")[0] if log.exists() else ""
        lines = [json.loads(line) for line in whole.splitlines()]
        return [Witnessed(**line | {"call": line["call"].replace("-", "")}) for line in lines]

    def starts(self) -> list[Witnessed]:
        """Calls the witness saw start, in order."""
        return [line for line in self.witnessed() if line.event == "start"]

    def count_starts(self) -> int:
        """How many calls the witness saw start."""
        return self._count(b'"event": "start"')

    def count_ends(self) -> int:
        """How many calls the witness saw end."""
        return self._count(b'"event": "end"')

    def _count(self, words: bytes) -> int:
        log = self.witness / "log"
        return log.read_bytes().count(words) if log.exists() else 0

    def statuses(self) -> list[tuple[str, str]]:
        """Status and what is waited for of every run, in the order they came."""
        with self.ask() as query:
            return rows.statuses(query)

    def waits_for_approval(self) -> bool:
        """True if some run is parked until calls of it are approved."""
        return ("waiting", "approval") in self.statuses()

    def all_ended(self) -> bool:
        """True if nothing can follow."""
        return all(status in FINAL for status, _ in self.statuses())

    def all_at_rest(self) -> bool:
        """True if every run has ended, or waits for a person to say what became of a call."""
        return all(status in FINAL or waits_for == "decision" for status, waits_for in self.statuses())

    def rows(self) -> Rows:
        """Everything, in one read transaction."""
        with self.ask() as query:
            return rows.read_rows(query)

    def evidence(self, **known: Any) -> Evidence:
        """What the checker judges by."""
        seen = Evidence(
            rows=self.rows(),
            launched=self.launched,
            witnessed=self.witnessed(),
            viewings=self.viewers.viewings(),
            run_again=self.run_again,
            served_tokens=script.served_tokens(self.model.requests),
            tokens_a_reply=script.TOKENS_A_REPLY,
        )
        return replace(seen, **known)

    def wait_until(self, is_so: Callable[[], Any], *, limit_s: float = 60) -> float:
        """Return as soon as `is_so()`: how many seconds that took. Raises `TimeoutError` with what was logged."""
        began_at = time.monotonic()
        while not is_so():
            if time.monotonic() - began_at > limit_s:
                raise TimeoutError(f"{Counter(self.statuses())}\n{self.log()}")
            time.sleep(EVERY_S)
        return time.monotonic() - began_at
