"""`manage.py run_agent`: launches a run and prints its steps."""

import contextlib
import json
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse

from runs import markdown
from runs.agent.providers.model_catalog.catalog import provider_for
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.hosting.host_lock import HostLock, HostLocked
from runs.engine.hosting.host_thread import HostThread
from runs.management.commands.serve import cannot_use_database, cannot_write, prepare_database
from runs.management.limit_options import add_limit_options, chosen_limits
from runs.management.named_user import user_named
from runs.management.signals import Interrupts
from runs.management.template_options import add_template_options, checked_task, launch_filled
from runs.management.terminal_approvals import ask_about, has_terminal, read_line
from runs.models import Agent, Run, Step
from runs.models.as_json import run_as_json, step_as_json
from runs.models.permissions import may_see

LOOK_EVERY_S = 0.05
EXIT_CODES = {Run.Status.COMPLETED: 0, Run.Status.FAILED: 1, Run.Status.CANCELLED: 130}
PARKED = 3
PARKED_FOR = (*Run.ASKING, Run.WaitingFor.RESUME)
WAITS_WORDS = {
    Run.WaitingFor.APPROVAL: "for approval",
    Run.WaitingFor.DECISION: "to hear whether a call happened",
    Run.WaitingFor.ANSWER: "for an answer",
}
BAD_ARGUMENTS = 2


class Command(BaseCommand):
    """Prints one line for each step. SIGTERM, unlike Ctrl-C, releases the run: the next host continues it."""

    help = (
        "Launch a run and print its steps as they are recorded, one line `[kind] content` a step. Ctrl-C stops it. "
        "Exit code: 0 completed, 1 failed, 2 could not be launched, 3 waits for a person, 130 cancelled."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the task and the options of a launch."""
        parser.add_argument(
            "task", nargs="?", help="what to do, in plain words; - reads it from standard input, as UTF-8"
        )
        parser.add_argument("--agent", metavar="NAME", help="the agent that does it, also NAME@3 or NAME@production")
        add_template_options(parser)
        parser.add_argument(
            "--thread",
            type=UUID,
            metavar="ID",
            help="go on with this thread, or with this run and those after it: the task follows its newest run up",
        )
        parser.add_argument(
            "--model", metavar="NAME", help="a model instead of the agent's, such as openai:gpt-6-astra"
        )
        add_limit_options(parser)
        parser.add_argument(
            "--user", metavar="NAME", help="owner of the run (default: none; only people who see all runs see it)"
        )
        parser.add_argument("--json", action="store_true", help="JSON Lines: the steps, then the run")

    def handle(self, *_args: Any, task: str | None, json: bool, **options: Any) -> None:
        """Launch, host or follow, and exit with the run's code."""
        task = checked_task(task, options)
        prepare_database()
        interrupts = Interrupts()
        interrupts.heed()
        run = self._launch(task, options)
        with _hosting(run, self.stderr):
            printer = RunPrinter(run, interrupts, as_json=json)
            code = printer.follow()
        if code == PARKED:
            self.stderr.write(who_decides(printer.parked or printer.run))
        elif printer.run.could_not:
            self.stderr.write(f"{Run.COULD_NOT}: the answer says why.")
        sys.exit(code)

    def _launch(self, task: str | None, options: dict[str, Any]) -> Run:
        overrides = chosen_limits(options)
        if options["model"]:
            overrides["models"] = [options["model"]]
        try:
            if options["model"]:
                provider_for(options["model"])
            user = user_named(options["user"])
            if task is None:
                return launch_filled(options["template"], options["input"], user=user, overrides=overrides)
            if options["thread"] is not None:
                return _follow_up(options, task, user, overrides)
            agent, version = _agent(options["agent"])
            return control.launch(user=user, task=task, agent=agent, version=version, overrides=overrides)
        except ValueError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENTS) from error
        except DatabaseError as error:
            # A database that can be read but not written fails here.
            raise cannot_use_database(error) from error


class RunPrinter:
    """Prints a run's steps as they are recorded."""

    def __init__(self, run: Run, interrupts: Interrupts | None = None, *, as_json: bool) -> None:
        self.run = run
        self._interrupts = interrupts or Interrupts()
        self._is_stopping = False
        self.as_json = as_json
        self.parked: Run | None = None
        """Once `follow` has ended: the run, or the child run, that waits for a person."""
        self._last = 0

    def follow(self) -> int:
        """Print until the run has ended; returns the exit code. Ctrl-C stops the run; a second one forces its end if
        its host has not stopped it within ten seconds.

        A run that waits for a person asks at the terminal; without a terminal it ends the command.
        """
        while True:
            try:
                self.run.refresh_from_db()
                self._print_new_steps()
                if self.run.is_finished:
                    break
                self._stop_if_asked()
                if (parked := self._parked()) is not None and not self._is_stopping:
                    if parked.waiting_for == Run.WaitingFor.RESUME or not has_terminal():
                        self.parked = parked
                        break
                    ask_about(parked, self._read)
                time.sleep(LOOK_EVERY_S)
            except EOFError:
                break
            except KeyboardInterrupt:
                continue  # At a question: the handler has counted it.
        if self.as_json:
            _say(as_json_line(run_as_json(self.run)))
        return EXIT_CODES.get(Run.Status(self.run.status), PARKED)

    def _parked(self) -> Run | None:
        """The run that waits for a person: this one; or one of its child runs, if all of them wait, or somebody can be
        asked at a terminal. None while it works."""
        if self.run.waiting_for != Run.WaitingFor.CHILD:
            return self.run if self.run.waiting_for in PARKED_FOR else None
        below = list(Run.objects.filter(root=self.run.root_id).unfinished().order_by("created_at"))
        asking = [each for each in below if each.waiting_for in PARKED_FOR]
        all_wait = all(each in asking or each.waiting_for == Run.WaitingFor.CHILD for each in below)
        return asking[0] if asking and (all_wait or has_terminal()) else None

    def _stop_if_asked(self) -> None:
        if self._interrupts.count and not self._is_stopping:
            control.cancel(self.run.pk, by=self.run.user)
            self._is_stopping = True
        elif self._interrupts.count > 1:
            control.force(self.run.pk, by=self.run.user)

    def _read(self, prompt: str) -> str:
        with self._interrupts.raised():
            return read_line(prompt)

    def _print_new_steps(self) -> None:
        for step in Step.objects.filter(run=self.run, sequence__gt=self._last).order_by("sequence"):
            _say(as_json_line(step_as_json(step)) if self.as_json else as_line(step))
            self._last = step.sequence


def who_decides(run: Run) -> str:
    """The run that waits, and the page where a person decides."""
    if run.waiting_for == Run.WaitingFor.RESUME:
        page = reverse("runs:run", args=[run.pk])
        return f"Run {run.pk} is paused. Resume it on its page{_at(page)}."
    what = WAITS_WORDS[Run.WaitingFor(run.waiting_for)]
    return f"Run {run.pk} waits {what}. Decide in the Inbox{_at(reverse('runs:inbox'))}."


def _at(path: str) -> str:
    return f": {settings.AGENTSITE_URL}{path}" if settings.AGENTSITE_URL else " of the site"


def as_json_line(value: Mapping[str, object]) -> str:
    """One line of JSON, escaped to ASCII if standard output is not Unicode: programs read the same either way."""
    speaks_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return json.dumps(value, ensure_ascii=not speaks_unicode)


def as_line(step: Step) -> str:
    """`[kind] content`, further lines indented by two spaces, without control characters for the terminal."""
    mark = f"[{step.kind}] "
    if step.unfinished_why is not None:
        mark += f"Unfinished reply ({step.unfinished_why}): "
    return mark + "\n  ".join(markdown.visible(step.content).splitlines() or [""])


def _say(text: str) -> None:
    """Print, flushed. If that fails, go on, because the run matters more; silently if nobody reads (`| head -1`)."""
    try:
        print(text, flush=True)  # noqa: T201 - the command's output
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"Nothing more is printed: {error.strerror}. The run goes on.", file=sys.stderr)  # noqa: T201


@contextlib.contextmanager
def _hosting(run: Run, stderr: Any) -> Iterator[None]:
    """Host the run here unless a server hosts runs from this folder. With scale-out, workers compete for it."""
    if settings.IS_SCALE_OUT:
        with HostThread(RunHost(only={run.pk})) as hosted:
            hosted.host.submit(run.pk)
            yield
        return
    try:
        lock = HostLock(Path(settings.DATA_DIR))
        lock.acquire()
    except HostLocked:
        stderr.write("A server hosts runs here; it works on this one.")
        yield
        return
    except OSError as error:
        raise cannot_write(settings.DATA_DIR, error) from error
    with contextlib.ExitStack() as held:
        held.callback(lock.release)
        held.enter_context(HostThread(RunHost(only={run.pk}))).host.submit(run.pk)
        yield


def _follow_up(options: Mapping[str, Any], task: str, user: Any, overrides: dict[str, Any]) -> Run:
    """A follow-up of the newest run of a thread, for its agent or another one. Raises `ValueError`."""
    named = options["thread"]
    of_run = Run.objects.filter(pk=named).values_list("thread", flat=True).first()
    newest = Run.objects.in_thread(of_run or named).order_by("-created_at", "-pk").first()
    if newest is None or (user is not None and not may_see(user, newest)):
        raise ValueError(f"There is no thread {named}.")
    agent, version = (None, "") if options["agent"] is None else _agent(options["agent"])
    return control.continue_run(
        newest.pk, by=user, message=task, agent=agent, version=version, overrides=overrides or None
    )


def _agent(name: str | None) -> tuple[Agent, str]:
    """The agent, and the version or label after an `@`."""
    if name is None and (agent := Agent.objects.filter(is_default=True).first()) is not None:
        return agent, ""
    if name is not None:
        with contextlib.suppress(control.AgentRefused):  # The error below names those that there are.
            return control.named_agent(name)
    names = ", ".join(repr(each) for each in Agent.objects.values_list("name", flat=True)) or "none"
    what = f"There is no agent {name!r}" if name is not None else "There is no default agent"
    raise ValueError(f"{what}. Agents: {names}.")
