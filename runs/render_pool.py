"""Renders Markdown in processes that are killed at their limit, so that no text blocks the site.

A text whose rendering takes too long, or for which there is no process, comes back as plain text that says so.
"""

import asyncio
import atexit
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from runs import markdown
from runs.render_worker import DONE, receive, send

logger = logging.getLogger(__name__)

CPU_S = 3.0
"""CPU time limit for a part of a text; the densest one, 64 KiB of `- a`, takes between one and two seconds."""
WALL_S = 10.0
"""Wall-clock limit, for a busy machine; also for the start of a process."""
WAIT_S = 5.0
"""How long a part waits for a process."""
WORKERS = min(2, os.cpu_count() or 1)
START_AGAIN_AFTER_S = 5.0
"""How long after a failed start all texts are shown plain."""
_ROOT = Path(__file__).resolve().parent.parent
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")
"""The environment variables a worker gets, without secrets."""


class WorkerLost(Exception):
    """The process ended or was killed before it answered, or could not be started."""


@dataclass(slots=True)
class _Job:
    text: str
    html: "Future[str]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.monotonic)


class RenderPool:
    """Renders parts of texts. Thread-safe; no method blocks the caller.

    A process starts with the first text (or `warm_up`), the next one when all are busy, and stays.
    """

    def __init__(self, *, workers: int = WORKERS, cpu_s: float = CPU_S) -> None:
        self._most = workers
        self._cpu_s = cpu_s
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        """Workers that wait for a text, or are starting."""
        self._workers: list[_Worker] = []

    def submit(self, text: str) -> "Future[str]":
        """A future of the HTML of one part (`markdown.parts_of`), or of its plain HTML. It never fails."""
        job = _Job(text)
        self._jobs.put(job)
        with self._lock:
            if self._idle < self._jobs.qsize() and len(self._workers) < self._most:
                self._add_worker()
        return job.html

    def warm_up(self) -> None:
        """Start the first process, so that the first text does not wait for it."""
        with self._lock:
            if not self._workers:
                self._add_worker()

    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    def close(self) -> None:
        """Kill the processes. Pending texts come back plain, or start a process again."""
        for worker in self._workers:
            worker.kill()

    def _add_worker(self) -> None:
        worker = _Worker(self._cpu_s)
        self._workers.append(worker)
        self._idle += 1
        # A daemon thread: a site that ends does not wait for results that nobody will see.
        threading.Thread(target=self._serve, args=[worker], name="agentsite-render", daemon=True).start()

    def _serve(self, worker: "_Worker") -> None:
        with suppress(WorkerLost):
            worker.start()
        while True:
            self._serve_next(worker)

    def _serve_next(self, worker: "_Worker") -> None:
        # Not in the endless loop, whose variables would keep the last text and its HTML until the next come.
        job = self._jobs.get()
        with self._lock:
            self._idle -= 1
        if job.html.set_running_or_notify_cancel():
            job.html.set_result(_html_of(worker, job))
        with self._lock:
            self._idle += 1


def _html_of(worker: "_Worker", job: _Job) -> str:
    if time.monotonic() - job.queued_at > WAIT_S:
        logger.warning("A text of %d characters waited too long to be rendered: it is shown plain.", len(job.text))
        return markdown.shown_plain(job.text)
    try:
        return worker.render(job.text)
    except WorkerLost as lost:
        logger.warning("A text of %d characters was not rendered, it is shown plain: %s", len(job.text), lost)
        return markdown.shown_plain(job.text)


class _Worker:
    """One process, restarted after its end. Belongs to one thread, except `kill`."""

    def __init__(self, cpu_s: float) -> None:
        self._cpu_s = cpu_s
        self._channel: socket.socket | None = None
        self._failed_at = -START_AGAIN_AFTER_S
        self.process: subprocess.Popen[bytes] | None = None

    def render(self, text: str) -> str:
        """The HTML of a part. Raises `WorkerLost`."""
        if self._channel is None:
            self.start()
        status, html = self._answer(text)
        if status != DONE:
            raise WorkerLost(html)
        return html

    def start(self) -> None:
        """Start the process and wait until it is ready. Raises `WorkerLost`."""
        if time.monotonic() - self._failed_at < START_AGAIN_AFTER_S:
            raise WorkerLost("no process could be started a moment ago")
        ours, theirs = socket.socketpair()
        try:
            ours.settimeout(WALL_S)
            with theirs:
                self.process = _spawn(theirs, self._cpu_s)
            self._channel = ours
            self._answer(None)
        except (OSError, WorkerLost) as error:
            ours.close()
            self._failed_at = time.monotonic()
            raise WorkerLost(f"no process could be started: {error}") from error

    def kill(self) -> None:
        """Kill the process, if there is one."""
        if (process := self.process) is not None:
            process.kill()
            process.wait()

    def _answer(self, text: str | None) -> tuple[int, str]:
        """The process's next message, in reply to `text` if given. Raises `WorkerLost`, and the process is then
        gone."""
        if self._channel is None:
            raise WorkerLost("there is no process")
        try:
            if text is not None:
                send(self._channel, DONE, text)
            answer = receive(self._channel)
        except OSError as error:
            raise self._lost(f"no answer in time ({error})") from error
        if answer is None:
            raise self._lost("its process ended")
        return answer

    def _lost(self, why: str) -> WorkerLost:
        """The error to raise, after the process was killed and reaped."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        process, self.process = self.process, None
        if process is None:
            return WorkerLost(why)
        with suppress(subprocess.TimeoutExpired):
            # The exit status shows the cause: the kernel ends a process at its limit of CPU time.
            process.wait(0.5)
        if process.returncode is None:
            process.kill()
            process.wait()
        if process.returncode == -signal.SIGPROF:
            why = f"it took more than {self._cpu_s:g} s of CPU time"
        return WorkerLost(why)


def _spawn(channel: socket.socket, cpu_s: float) -> "subprocess.Popen[bytes]":
    # In a session of its own: Ctrl-C in a terminal is for the site, which still renders texts while it drains.
    return subprocess.Popen(  # noqa: S603  our own module
        [sys.executable, "-m", "runs.render_worker", str(cpu_s)],
        stdin=channel.fileno(),
        stdout=subprocess.DEVNULL,
        cwd=_ROOT,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        start_new_session=True,
    )


POOL = RenderPool()
"""The pool of this process."""
atexit.register(POOL.close)


async def html_of(text: str) -> str:
    """The text as safe HTML, as of `markdown.render`, or plain text where that took too long.

    Never blocks the event loop, and takes at most some seconds for each of its parts.
    """
    parts, rest = markdown.parts_of(text)
    html = [asyncio.wrap_future(POOL.submit(part)) if markdown.has_markup(part) else part for part in parts]
    done = [markdown.render_part(each) if isinstance(each, str) else await each for each in html]
    return markdown.joined(done, rest)
