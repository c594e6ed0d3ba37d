"""Launch a run from the command line and print what it thinks."""

import contextlib
import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.urls import reverse

from runs import markdown
from runs.agent.providers.catalog import provider_for
from runs.engine import control
from runs.engine.host import RunHost
from runs.engine.hosting import HostThread
from runs.engine.lock import HostLock, HostLocked
from runs.management.asking import ask_about, has_terminal, read_line
from runs.management.commands.serve import cannot_use_database, cannot_write, prepare_database
from runs.models import Agent, Run, Step
from runs.models.as_json import run_as_json, step_as_json

LOOK_EVERY_S = 0.05
EXIT_CODES = {Run.Status.COMPLETED: 0, Run.Status.FAILED: 1, Run.Status.CANCELLED: 130}
PARKED = 3
PARKED_FOR = ("approval", "decision", "resume")
BAD_ARGUMENTS = 2


class Command(BaseCommand):
    """Prints one line a step. SIGTERM, unlike Ctrl-C, lets go of the run: whoever hosts next goes on with it."""

    help = (
        "Launch a run and print its steps as they are recorded, one line `[kind] content` a step. Ctrl-C stops it. "
        "Exit code: 0 completed, 1 failed, 2 could not be launched, 3 waits for a person, 130 cancelled."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The task and what it is worked on with."""
        parser.add_argument("task", help="what to do, in plain words")
        parser.add_argument("--agent", metavar="NAME", help="the agent that does it (default: the default agent)")
        parser.add_argument(
            "--model", metavar="NAME", help="a model instead of the agent's, such as openai:gpt-6-astra"
        )
        parser.add_argument("--user", metavar="NAME", help="whose run it is (default: nobody's; staff see it)")
        parser.add_argument("--json", action="store_true", help="JSON Lines: the steps, then the run")

    def handle(self, *_args: Any, task: str, json: bool, **options: Any) -> None:
        """Launch, host or follow, and exit with the run's code."""
        prepare_database()
        run = self._launch(task, options)
        signal.signal(signal.SIGTERM, _exit_on_sigterm)
        with _hosting(run, self.stderr):
            code = Follower(run, as_json=json).follow()
        if code == PARKED:
            self.stderr.write(who_decides(run))
        sys.exit(code)

    def _launch(self, task: str, options: dict[str, Any]) -> Run:
        overrides: dict[str, Any] = {}
        if options["model"]:
            overrides["models"] = [options["model"]]
        try:
            if options["model"]:
                provider_for(options["model"])
            return control.launch(
                user=_user(options["user"]), task=task, agent=_agent(options["agent"]), overrides=overrides
            )
        except ValueError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENTS) from error
        except DatabaseError as error:
            # One that can be read and not written is found out here.
            raise cannot_use_database(error) from error


class Follower:
    """Prints a run's steps as they are recorded."""

    def __init__(self, run: Run, *, as_json: bool) -> None:
        self.run = run
        self.as_json = as_json
        self._last = 0

    def follow(self) -> int:
        """Print until the run has ended; the exit code. Ctrl-C stops the run.

        Where it waits for a person, the one at the terminal is asked; without a terminal that is the end.
        """
        while True:
            try:
                self.run.refresh_from_db()
                self._print_new_steps()
                if self.run.is_finished:
                    break
                if self.run.waiting_for in PARKED_FOR:
                    if self.run.waiting_for == Run.WaitingFor.RESUME or not has_terminal():
                        break
                    ask_about(self.run, read_line)
                time.sleep(LOOK_EVERY_S)
            except EOFError:
                break
            except KeyboardInterrupt:
                control.cancel(self.run.pk, by=self.run.user)
        if self.as_json:
            _say(json.dumps(run_as_json(self.run), ensure_ascii=False))
        return EXIT_CODES.get(Run.Status(self.run.status), PARKED)

    def _print_new_steps(self) -> None:
        for step in Step.objects.filter(run=self.run, sequence__gt=self._last).order_by("sequence"):
            _say(json.dumps(step_as_json(step), ensure_ascii=False) if self.as_json else as_line(step))
            self._last = step.sequence


def who_decides(run: Run) -> str:
    """Which run waits, and where a person lets it go on."""
    if run.waiting_for == Run.WaitingFor.RESUME:
        page = reverse("runs:run", args=[run.pk])
        return f"Run {run.pk} is paused. Resume it on its page{_at(page)}."
    what = "to hear whether a call happened" if run.waiting_for == Run.WaitingFor.DECISION else "for approval"
    return f"Run {run.pk} waits {what}. Decide in the Inbox{_at(reverse('runs:inbox'))}."


def _at(path: str) -> str:
    return f": {settings.AGENTSITE_URL}{path}" if settings.AGENTSITE_URL else " of the site"


def as_line(step: Step) -> str:
    """`[kind] content`, further lines indented by two spaces, and no control characters a terminal would obey."""
    return f"[{step.kind}] " + "\n  ".join(markdown.visible(step.content).splitlines() or [""])


def _say(text: str) -> None:
    """Print, flushed. When nobody reads any more (`| head -1`), go on in silence: the run is what matters."""
    try:
        print(text, flush=True)  # noqa: T201 - the command's output
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _hosting(run: Run, stderr: Any) -> Iterator[None]:
    """Host the run here if no server does; otherwise let the server find it. Beside workers, whoever is faster."""
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


def _user(name: str | None) -> Any:
    if name is None:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise ValueError(f"There is no user {name!r}.")
    return user


def _agent(name: str | None) -> Agent:
    wanted = Agent.objects.filter(name=name) if name is not None else Agent.objects.filter(is_default=True)
    if (agent := wanted.first()) is not None:
        return agent
    names = ", ".join(repr(each) for each in Agent.objects.values_list("name", flat=True)) or "none"
    what = f"There is no agent {name!r}" if name is not None else "There is no default agent"
    raise ValueError(f"{what}. Agents: {names}.")


def _exit_on_sigterm(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)
