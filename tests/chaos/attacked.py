"""The base of every site under attack: its model, its tools with their witness, its users, and its rows."""

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
    """A site whose default agent asks the model of `tests.chaos.script`, which calls the tools of `.tools`."""

    def __init__(self, witness: Path, session: str) -> None:
        self.witness = witness
        self.session = session
        self.model = WireServer(otherwise=script.reply_to)
        self.viewers = Viewers(lambda: self.url, session)
        self.launched: list[str] = []
        """Ids of the runs whose launch was answered, in the checker's notation."""
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
        """The site's address for users."""

    @abstractmethod
    def start(self) -> None:
        """Start those of its processes that do not run."""

    @abstractmethod
    def terminate(self) -> None:
        """Send SIGTERM to the processes that host runs, without waiting."""

    @abstractmethod
    def wait_for_a_death(self, *, limit_s: float = 30) -> None:
        """Wait until one of its processes has died. Raises `TimeoutError`."""

    @abstractmethod
    def close(self) -> None:
        """Stop all processes, and remove their data."""

    @abstractmethod
    def ask(self) -> AbstractContextManager[rows.Query]:
        """Query its database."""

    @abstractmethod
    def log(self) -> str:
        """The end of its processes' logs."""

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        endpoint: dict[str, Any] = {"name": "wire", "kind": "openai", "base_url": self.model.base_url, "models": ["m1"]}
        endpoint["prices"] = {"m1": script.PRICE}
        return {
            "AGENTSITE_ENDPOINTS": json.dumps([endpoint]),
            "AGENTSITE_TOOLS": "tests.chaos.tools",
            "AGENTSITE_WITNESS": str(self.witness),
            "AGENTSITE_CRASH_FILE": str(self.witness / "crash"),
            "AGENTSITE_LOG_LEVEL": "WARNING",
        }

    # Actions

    def visitor(self) -> Visitor:
        """A signed-in user."""
        return Visitor(self.url, session=self.session)

    def launch(self, *tasks: str, **fields: str) -> list[str]:
        """Launch runs over HTTP, several at a time. Returns the tasks without a response, because the server is
        gone."""

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
        """Stop the runs that wait for the outcome of a call; returns their number."""
        with self.ask() as query:
            parked = query("SELECT id FROM runs_run WHERE status = 'waiting' AND waiting_for = 'decision'")
        with self.visitor() as visitor:
            for (run,) in parked:
                status, _ = visitor.post(f"/runs/{UUID(str(run))}/cancel/")
                assert status in (200, 204, 302), f"The stop was answered with {status}."
        return len(parked)

    def waiting_calls(self, state: str) -> list[tuple[str, str, str]]:
        """Run, id and arguments hash of the calls that wait for a person in a state, ordered by run, turn and index."""
        wanted = "SELECT run_id, call_id, arguments_hash FROM runs_toolcall"
        with self.ask() as query:
            calls = query(f"{wanted} WHERE state = '{state}' ORDER BY run_id, turn, \"index\"")
        return [(str(UUID(str(run))), str(UUID(str(call))), shown) for run, call, shown in calls]

    def approve(self, calls: Sequence[tuple[str, str, str]] | None = None) -> None:
        """Approve these calls, or every waiting one, one after the other. The site may die meanwhile."""
        with self.visitor() as visitor:
            for run, call, shown in self.waiting_calls("awaiting_approval") if calls is None else calls:
                with suppress(OSError, HTTPException):
                    visitor.post(f"/runs/{run}/calls/{call}/approve/", arguments_hash=shown)

    def arm(self, point: str) -> None:
        """Make the first process that reaches a crash point die there."""
        ready = self.witness / "crash.ready"
        ready.write_text(point)
        ready.rename(self.witness / "crash")

    def disarm(self) -> bool:
        """Disarm the crash point. True if a process has died there."""
        crash = self.witness / "crash"
        is_hit = not crash.exists()
        crash.unlink(missing_ok=True)
        return is_hit

    def hold_from(self, place: int) -> None:
        """Hold the calls of `work_…` from this place on, until `forbid("hold")`."""
        ready = self.witness / "hold.ready"
        ready.write_text(str(place))
        ready.rename(self.witness / "hold")

    def allow(self, name: str) -> None:
        """Create a file the tools wait for."""
        (self.witness / name).touch()

    def forbid(self, name: str) -> None:
        """Remove that file."""
        (self.witness / name).unlink()

    # Observations

    def witnessed(self) -> list[Witnessed]:
        """The lines of the witness, in order."""
        log = self.witness / "log"
        # The text after the last line end is still being written.
        whole = log.read_text().rpartition("\n")[0] if log.exists() else ""
        lines = [json.loads(line) for line in whole.splitlines()]
        return [Witnessed(**line | {"call": line["call"].replace("-", "")}) for line in lines]

    def starts(self) -> list[Witnessed]:
        """Calls the witness saw start, in order."""
        return [line for line in self.witnessed() if line.event == "start"]

    def count_starts(self) -> int:
        """The number of calls the witness saw start."""
        return self._count(b'"event": "start"')

    def count_ends(self) -> int:
        """The number of calls the witness saw end."""
        return self._count(b'"event": "end"')

    def _count(self, words: bytes) -> int:
        log = self.witness / "log"
        return log.read_bytes().count(words) if log.exists() else 0

    def statuses(self) -> list[tuple[str, str]]:
        """Status and `waiting_for` of every run, oldest first."""
        with self.ask() as query:
            return rows.statuses(query)

    def waits_for_approval(self) -> bool:
        """True if a run is parked for an approval."""
        return ("waiting", "approval") in self.statuses()

    def leases_have_ended(self) -> bool:
        """True if a process that starts now may take every run at once."""
        return True

    def all_ended(self) -> bool:
        """True if all runs have ended."""
        return all(status in FINAL for status, _ in self.statuses())

    def all_at_rest(self) -> bool:
        """True if every run has ended, or waits for a person to settle a call."""
        return all(status in FINAL or waits_for == "decision" for status, waits_for in self.statuses())

    def rows(self) -> Rows:
        """All rows, in one read transaction."""
        with self.ask() as query:
            return rows.read_rows(query)

    def evidence(self, **known: Any) -> Evidence:
        """The evidence for the checker."""
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
        """Wait until `is_so()`; returns the seconds. Raises `TimeoutError` with the logs."""
        began_at = time.monotonic()
        while not is_so():
            if time.monotonic() - began_at > limit_s:
                raise TimeoutError(f"{Counter(self.statuses())}\n{self.log()}")
            time.sleep(EVERY_S)
        return time.monotonic() - began_at
