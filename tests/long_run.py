"""A long run with steps of every kind, written into the database at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from tests.live_site import LiveSite

TASK = "Check every article of the shop, one after the other, and say which are to be ordered."


def write_long_run(site: "LiveSite", person: str, *, turns: int, is_even: bool = False) -> tuple[str, int]:
    """In the database of a site: the id and the number of steps of a finished run of `person`."""
    told = f"{person!r}, turns={turns}, is_even={is_even}"
    code = f"from tests.long_run import add_long_run; print(*add_long_run({told}))"
    run_id, steps = site.ask(code).split()
    return run_id, int(steps)


def first_step_of(turn: int) -> int:
    """The sequence of a turn's first step, of a run that is not even."""
    return 1 + sum(len(list(_turn(number, datetime.now(UTC)))) for number in range(1, turn))


def add_long_run(person: str, *, turns: int, is_even: bool = False) -> tuple[str, int]:
    """In the database of this process: a run of about three steps a turn, some of which failed or asked.

    Of an even run none did.
    """
    from django.contrib.auth.models import User
    from django.utils import timezone

    from runs.models import Agent, Run, Step

    began = timezone.now() - timedelta(seconds=2 * turns + 60)
    agent, ended = Agent.objects.get(is_default=True), began + timedelta(seconds=2 * turns + 5)
    run = Run.objects.create(
        user=User.objects.get(username=person), agent=agent, config=agent.snapshot(), task=TASK, status="completed",
        answer="All are checked.", created_at=began, started_at=began, ended_at=ended, tokens_used=48211, cost="0.1923",
    )  # fmt: skip
    starts = [(turn, began + timedelta(seconds=2 * turn)) for turn in range(1, turns + 1)]
    rows = [row for turn, at in starts for row in _turn(turn, at, is_even=is_even)]
    rows.append(_reply("answer", turns + 1, "All are checked.", ended - timedelta(seconds=2)))
    Step.objects.bulk_create(
        (Step(run=run, sequence=n, epoch=1, **row) for n, row in enumerate(rows, 1)), batch_size=1000
    )
    Run.objects.filter(pk=run.pk).update(next_sequence=len(rows) + 1)
    _add_calls(run, rows)
    return str(run.pk), len(rows)


def _turn(turn: int, at: datetime, *, is_even: bool = False) -> Iterator[dict[str, Any]]:
    place = 0 if is_even else turn  # what is special about it
    if place % 40 == 3:
        retry = {"code": "overloaded", "status": 503, "wait_s": 0.3, "next_at": (at + _s(0.5)).timestamp()}
        yield {
            "kind": "retry", "turn": turn, "content": "Overloaded.", "attempt": 1, "max_attempts": 3,
            "severity": "warning", "recoverable": True, "started_at": at, "ended_at": at + _s(0.2), "metadata": retry,
        }  # fmt: skip
    yield _reply("reasoning", turn, f"Article {turn} is next. I look up how many pieces there are.", at + _s(0.5))
    call = {"turn": turn, "tool_name": "stock_level", "call_id": uuid4()}
    arguments = {"article": f"A-{turn}", "warehouse": "Ghent"}
    words = f"stock_level(article='A-{turn}', warehouse='Ghent')"
    effect = {"effect": "read"}
    yield call | {
        "kind": "tool_call", "content": words, "tool_input": arguments, "ended_at": at + _s(1), "metadata": effect,
    }  # fmt: skip
    if place % 60 == 11:
        asked, decided = {"asks": "approval"} | effect, {"decision": "approved", "by": "grace", "reason": ""}
        yield call | {"kind": "approval", "content": "May it run?", "ended_at": at + _s(1), "metadata": asked}
        yield call | {"kind": "approval", "content": "Approved.", "ended_at": at + _s(1.1), "metadata": decided}
    times = {"started_at": at + _s(1.1), "ended_at": at + _s(1.3 + turn % 9 / 20)}
    if place % 50 == 7:
        failed = {"content": "No such article.", "severity": "warning", "metadata": {"code": "tool_failed"}}
        yield call | {"kind": "tool_result"} | times | failed
    else:
        yield call | {"kind": "tool_result", "content": f"{turn * 7 % 40} pieces, shelf {turn % 12}"} | times
    if place % 70 == 20:
        note = {"note": "dropped_thoughts"}
        yield {"kind": "note", "content": "The window was shortened.", "ended_at": at + _s(1.9), "metadata": note}


def _reply(kind: str, turn: int, words: str, at: datetime) -> dict[str, Any]:
    return {
        "kind": kind, "turn": turn, "content": words, "model": "m1", "provider": "shop", "tokens": 120 + turn % 7,
        "cost": "0.0004", "started_at": at, "ended_at": at + _s(0.5),
    }  # fmt: skip


def _add_calls(run: Any, rows: list[dict[str, Any]]) -> None:
    from runs.models import ToolCall

    ToolCall.objects.bulk_create(
        ToolCall(
            call_id=row["call_id"], run=run, turn=row["turn"], index=0, tool_name=row["tool_name"], effect="read",
            arguments=row["tool_input"], arguments_hash="", state="succeeded", epoch=1,
        )
        for row in rows
        if row["kind"] == "tool_call"
    )  # fmt: skip


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
