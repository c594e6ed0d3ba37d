"""Watchdog: detects a blocked event loop and the run that blocks it.

A tool that computes for minutes in a coroutine blocks every other run, page and stop of its process, until the process
is killed. Without a note of the run, the next start would resume it into the same. A call that holds the interpreter
itself (C code under the GIL) stops this thread too: such runs are ended by the count of losses (`MAX_CRASHES`).
"""

import asyncio
import contextvars
import gc
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from runs.agent.log_context import run_context, run_id_in
from runs.engine.host_timings import DEFAULT_TIMINGS
from runs.engine.hosting import claim_queries

logger = logging.getLogger(__name__)

FROZEN_AFTER_LOOKS = 10
"""Consecutive checks at which one task blocked the loop. Counted, not timed: a process that was suspended and woken,
or an overloaded machine, makes few checks."""


class Watchdog:
    """A thread that checks one event loop."""

    def __init__(self, owner: str, *, look_every_s: float = DEFAULT_TIMINGS.watchdog_every_s) -> None:
        """`owner` is the host whose runs the loop executes."""
        self._owner = owner
        self._look_every_s = look_every_s
        self._over = threading.Event()
        self._turned = False
        self._thread = 0
        self._noted: UUID | None = None
        """The run whose row is marked as blocking the loop."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start checking, in a thread that ends with the process or `stop`. `loop` need not run yet."""
        threading.Thread(target=self._watch, args=[loop], name="agentsite-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop checking."""
        self._over.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        looks, held_by, asked = 0, None, False
        while not self._over.wait(self._look_every_s):
            task = None if self._turned else asyncio.current_task(loop)
            looks = looks + 1 if task is not None and task is held_by else 0
            held_by = task
            if looks == FROZEN_AFTER_LOOKS and task is not None:
                self._frozen(task, loop)
            if self._turned and self._noted is not None:
                self._turns_again(self._noted)
            if self._turned or not asked:
                self._turned = False
                if not (asked := _called(loop, self._say_that_it_turns)):
                    return
        connection.close()

    def _say_that_it_turns(self) -> None:
        self._turned, self._thread = True, threading.get_ident()

    def _frozen(self, task: "asyncio.Task[Any]", loop: asyncio.AbstractEventLoop) -> None:
        # A loop that was blocked before it answered once has not said which thread it runs in.
        thread = self._thread or getattr(loop, "_thread_id", None) or 0
        frame = sys._current_frames().get(thread)  # noqa: SLF001  documented for exactly this
        stack = "".join(traceback.format_stack(frame)) if frame is not None else "unknown\n"
        run_id = _run_of(task)
        with run_context(run_id) if run_id else nullcontext():
            logger.critical(
                "The event loop has not turned for %g s: %s holds it, and with it every run and page here.\n%s",
                self._look_every_s * FROZEN_AFTER_LOOKS,
                f"run {run_id}" if run_id else task.get_name(),
                stack,
            )
        if run_id is not None and self._note(run_id, is_over=False):
            self._noted = run_id

    def _turns_again(self, run_id: UUID) -> None:
        with run_context(run_id):
            logger.warning("The event loop turns again: run %s holds it no more.", run_id)
        if self._note(run_id, is_over=True):
            self._noted = None

    def _note(self, run_id: UUID, *, is_over: bool) -> bool:
        """Mark or unmark the run's row. False if the database was unreachable; unmarking is then retried."""
        try:
            claim_queries.note_freeze(run_id, self._owner, is_over=is_over)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("That run %s holds the loop could not be noted: %s", run_id, error)
            return False
        finally:
            connection.close()
        return True


def _called(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> bool:
    try:
        loop.call_soon_threadsafe(function, context=contextvars.Context())
    except RuntimeError:
        return False
    return True


def _run_of(task: "asyncio.Task[Any]") -> UUID | None:
    """The run in the task's context; None if it works on none."""
    # `Task.get_context` came with Python 3.12; before, the garbage collector knows the task's reference to it.
    contexts = [each for each in gc.get_referents(task) if isinstance(each, contextvars.Context)]
    found = next((run_id for context in contexts if (run_id := run_id_in(context))), "")
    return UUID(found) if found else None
