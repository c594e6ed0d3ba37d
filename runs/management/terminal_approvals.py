"""Asking the person at the terminal about calls that wait."""

import sys
from collections.abc import Callable

from runs import markdown
from runs.agent.text import call_text
from runs.engine import control
from runs.models import Run, ToolCall

ReadLine = Callable[[str], str]


def has_terminal() -> bool:
    """True if questions can be asked: on standard error, with answers from standard input."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_about(run: Run, read: ReadLine) -> None:
    """Ask about each call the run waits for, in order. A call that was decided elsewhere meanwhile is skipped.

    `read` shows a question and returns the answer. Raises what it raises: `KeyboardInterrupt`, `EOFError`.
    """
    for call in run.calls.asking():
        told = markdown.visible(call_text(call.tool_name, call.arguments))
        try:
            if call.state == ToolCall.State.AWAITING_APPROVAL:
                _ask_for_approval(run, call, told, read)
            else:
                _ask_for_outcome(run, call, told, read)
        except control.DecisionRefused as refused:
            sys.stderr.write(f"{refused}\n")
        run.refresh_from_db()
        if run.status != Run.Status.WAITING:
            return


def _ask_for_approval(run: Run, call: ToolCall, told: str, read: ReadLine) -> None:
    answer = _answer(f"Run {told} [{call.effect}]? y/n ", "yn", read)
    decide = control.approve if answer == "y" else control.deny
    decide(call.pk, by=run.user, arguments_hash=call.arguments_hash)


def _ask_for_outcome(run: Run, call: ToolCall, told: str, read: ReadLine) -> None:
    answer = _answer(f"Did {told} happen? y: it did, n: no, run it again, s: stop the run ", "yns", read)
    if answer == "s":
        control.cancel(run.pk, by=run.user)
    elif answer == "n":
        control.settle(call.pk, by=run.user, outcome="run_again")
    else:
        control.settle(call.pk, by=run.user, outcome="happened", reason=read("Result (optional): "))


def _answer(question: str, letters: str, read: ReadLine) -> str:
    while (typed := read(question).strip().lower()[:1]) not in letters or not typed:
        sys.stderr.write(f"Type one of {', '.join(letters)}.\n")
    return typed


def read_line(question: str) -> str:
    """The typed answer. The question goes to standard error, so that it does not mix with the steps on standard
    output."""
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError("Standard input has ended.")
    return line.rstrip("\n")
