"""Asking the person at the terminal about calls that wait."""

import json
import sys
from collections.abc import Callable

from runs import markdown
from runs.agent.text import call_text
from runs.agent.tools.person_questions import AnswerMisfit
from runs.engine import control
from runs.models import Question, Run, Surface, ToolCall

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
            if call.state == ToolCall.State.AWAITING_ANSWER:
                _ask_for_answer(run, call, read)
            elif call.state == ToolCall.State.AWAITING_APPROVAL:
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
    decide(call.pk, by=run.user, arguments_hash=call.arguments_hash, surface=Surface.TERMINAL)


def _ask_for_answer(run: Run, call: ToolCall, read: ReadLine) -> None:
    """Ask until an answer fits: a line of text, the number or the words of a choice, or a JSON object for a form."""
    question = call.questions.filter(state=Question.State.OPEN).first()
    if question is None:
        return
    lines = [markdown.visible(question.text)]
    lines += [f"{number}: {markdown.visible(choice)}" for number, choice in enumerate(question.choices, 1)]
    if question.schema is not None:
        lines.append(f"Type a JSON object that fits {json.dumps(question.schema)}")
    while True:
        typed = read("\n".join([*lines, "> "]))
        try:
            control.answer(question.pk, by=run.user, answer=_typed(question, typed), surface=Surface.TERMINAL)
        except AnswerMisfit as misfit:
            sys.stderr.write(f"{misfit}\n")
        else:
            return


def _typed(question: Question, line: str) -> object:
    """The answer that the line means. Raises `AnswerMisfit` for a form's line that is not JSON."""
    if question.kind == Question.Kind.CHOICE and line.strip().isdecimal():
        number = int(line.strip()[:9])
        return question.choices[number - 1] if 0 < number <= len(question.choices) else line
    if question.kind != Question.Kind.FORM:
        return line
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AnswerMisfit(f"This is not JSON: {error}.") from error


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
