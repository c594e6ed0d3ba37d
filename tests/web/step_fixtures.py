"""Runs with steps of every kind, with times, for tests of the pages that show them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from runs.models import Run, Step, ToolCall

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CALLS = [UUID(int=number) for number in (1, 2, 3)]


def at(seconds: float) -> datetime:
    """A moment after noon, when the run began."""
    return NOON + timedelta(seconds=seconds)


def add_rows(run: Run, rows: list[dict[str, Any]]) -> None:
    """Record the rows as the steps of the run, from sequence 1 on."""
    made = (Step(**{"run": run, "sequence": n, "epoch": 1, "turn": 1, **row}) for n, row in enumerate(rows, 1))
    Step.objects.bulk_create(made)
    Run.objects.filter(pk=run.pk).update(next_sequence=len(rows) + 1)
    run.refresh_from_db()


ROWS: list[dict[str, Any]] = [
    {
        "kind": "retry", "content": "Overloaded.", "attempt": 1, "max_attempts": 3, "severity": "warning",
        "recoverable": True, "started_at": at(0), "ended_at": at(1),
        "metadata": {"code": "overloaded", "status": 503, "wait_s": 2.0, "next_at": at(3).timestamp()},
    },
    {
        "kind": "reasoning", "content": "Two things at once: stock and mail.", "provider": "openai", "model": "m1",
        "tokens": 1234, "cost": "0.0035", "started_at": at(3), "ended_at": at(5),
    },
    {
        "kind": "tool_call", "content": "stock_level(article='A-100')", "tool_name": "stock_level", "call_id": CALLS[0],
        "tool_input": {"article": "A-100"}, "ended_at": at(5), "metadata": {"effect": "read"},
    },
    {
        "kind": "tool_call", "content": "send_mail(to='ada')", "tool_name": "send_mail", "call_id": CALLS[1],
        "tool_input": {"to": "ada"}, "ended_at": at(5), "metadata": {"effect": "unsafe"},
    },
    {
        "kind": "approval", "content": "May it run?", "tool_name": "send_mail", "call_id": CALLS[1],
        "tool_input": {"to": "ada"}, "ended_at": at(5), "metadata": {"asks": "approval", "effect": "unsafe"},
    },
    {
        "kind": "tool_result", "content": "12 pieces", "tool_name": "stock_level", "call_id": CALLS[0],
        "started_at": at(5), "ended_at": at(7.4), "metadata": {},
    },
    {
        "kind": "approval", "content": "Approved.", "tool_name": "send_mail", "call_id": CALLS[1], "ended_at": at(9),
        "metadata": {"decision": "approved", "by": "grace", "reason": ""},
    },
    {
        "kind": "tool_result", "content": "The mail server is down.", "tool_name": "send_mail", "call_id": CALLS[1],
        "severity": "warning", "started_at": at(9), "ended_at": at(10), "metadata": {"code": "tool_failed"},
    },
    {
        "kind": "note", "content": "The window was shortened.", "turn": 2, "ended_at": at(10),
        "metadata": {"note": "dropped_thoughts"},
    },
    {
        "kind": "tool_call", "content": "stock_level(article='B-7')", "tool_name": "stock_level", "call_id": CALLS[2],
        "tool_input": {"article": "B-7"}, "turn": 2, "ended_at": at(12), "metadata": {"effect": "read"},
    },
    {
        "kind": "tool_result", "content": "3 pieces", "tool_name": "stock_level", "call_id": CALLS[2], "turn": 2,
        "started_at": at(12), "ended_at": at(13), "metadata": {},
    },
    {
        "kind": "answer", "content": "There are 15 pieces.", "turn": 3, "provider": "openai", "model": "m1",
        "started_at": at(13), "ended_at": at(15), "metadata": {},
    },
]  # fmt: skip
"""Three turns: a failed attempt, two parallel calls of which one waits and fails, a note, a call, and the answer."""


@pytest.fixture
def told_run(make_run: Callable[..., Run], owner: Any) -> Run:
    """The owner's finished run with `ROWS`, and the rows of its calls."""
    run = make_run(owner, created_at=NOON, started_at=NOON, ended_at=at(15))
    add_rows(run, ROWS)
    names = ("stock_level", "send_mail", "stock_level")
    effects, states = ("read", "unsafe", "read"), ("succeeded", "failed", "succeeded")
    for index, (call_id, name, effect, state) in enumerate(zip(CALLS, names, effects, states, strict=True)):
        ToolCall.objects.create(
            call_id=call_id, run=run, turn=1, index=index, tool_name=name, arguments={}, arguments_hash="",
            effect=effect, state=state, epoch=1,
        )  # fmt: skip
    return run
