"""Rows for samples. None of them is stored."""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.live.rendering.run_lines import RunLine
from runs.markdown import render
from runs.models import Agent, Question, Run, Step, ToolCall

RUN_ID: Final = UUID(int=7)
TASK: Final = "Check A-100 for Ms Peeters in Ghent: stock, price and weather"
ANSWER: Final = """The article is **in stock** and 5 pieces are reserved.

## Prices

| Article | Ghent | Bruges | Leuven | Namur | Liège | Antwerp |
|---|---:|---:|---:|---:|---:|---:|
| A-100 | 745.00 | 748.50 | 744.10 | 751.00 | 749.90 | 745.00 |
| A-200 | 1,120.00 | 1,131.20 | 1,119.90 | 1,140.00 | 1,125.00 | 1,118.40 |

- [x] stock looked up
- [ ] customer called

```python
def total(price: float, pieces: int) -> float:
    return round(price * pieces * 1.21, 2)
```

> Delivery takes three days. See `delivery_forecast`.
"""


_NOTE: Final = "With thanks.\n\nYours,\nAda\nOrders"


def call_id(number: int) -> UUID:
    """The id of a call."""
    return UUID(int=100 + number)


def run(status: str = "completed", *, line: str = "", **fields: Any) -> Run:
    """A run in that state, with its agent, its owner and its line in lists."""
    now = timezone.now()
    is_over = status in Run.FINAL
    given: JsonObject = {
        "id": RUN_ID,
        "user": User(pk=1, username="ada"),
        "agent": Agent(pk=1, name="Order clerk"),
        "config": {"agent": "Order clerk", "models": ["local/clerk-large"], "max_duration_s": 600, "max_turns": 20},
        "task": TASK,
        "created_at": now - timedelta(minutes=4),
        "started_at": None if status == "idle" else now - timedelta(minutes=4),
        "ended_at": now if is_over else None,
        "active_ms": 0 if status == "idle" else 11_900,
        "next_sequence": 15,
        "tokens_used": None if status == "idle" else 1842,
        "cost": None if status == "idle" else Decimal("0.0077"),
    }
    made = Run(status=status, **(given | fields))
    made.line = RunLine(line)  # type: ignore[attr-defined]  # as `add_lines` does
    made.task_start = made.task  # type: ignore[attr-defined]  # as `with_starts` does
    return made


def step(kind: str, sequence: int, content: str = "", *, turn: int | None = 1, **fields: Any) -> Step:
    """A step of the run."""
    now = timezone.now()
    times: JsonObject = {"started_at": now - timedelta(seconds=3), "ended_at": now - timedelta(seconds=0.6)}
    html = render(content) if kind in ("reasoning", "answer") else ""
    about: JsonObject = {"run_id": RUN_ID, "epoch": 1, "turn": turn, "html": html, "metadata": {}}
    return Step(kind=kind, sequence=sequence, content=content, **(about | times | fields))


def model_step(kind: str, sequence: int, content: str, **fields: Any) -> Step:
    """A step of a model's reply."""
    about: JsonObject = {"provider": "local", "model": "clerk-large", "tokens": 331, "cost": Decimal("0.0011")}
    return step(kind, sequence, content, **(about | fields))


def call_steps(number: int, sequence: int, name: str, arguments: JsonObject, **result: Any) -> list[Step]:
    """A call, and its result if one is given (`content`, `code`, `severity`; `calls`: it ran beside the one before)."""
    effect, code = result.pop("effect", "read"), result.pop("code", "")
    beside = _calls_beside(number) if result.pop("calls", False) else {}
    about: JsonObject = {"tool_name": name, "call_id": call_id(number)}
    asked = step("tool_call", sequence, tool_input=arguments, metadata={"effect": effect}, **about)
    if not result:
        return [asked]
    return [asked, step("tool_result", sequence + 1, metadata=_told(code) | beside, **(about | result))]


def _told(code: str) -> JsonObject:
    return {"code": code} if code else {}


def _calls_beside(number: int) -> JsonObject:
    """The calls of the turn of call `number`, which ran beside the one before it."""
    begin = time.time() - 3
    spans = ((number - 1, "stock_level", 0.1), (number, "delivery_forecast", 2.4))
    calls = [
        {"call_id": str(call_id(each)), "tool_name": name, "state": "succeeded", "started_at": begin}
        | {"ended_at": begin + took}
        for each, name, took in spans
    ]
    return {"calls": calls}


def question(number: int, sequence: int, *, asks: str = "approval", **fields: Any) -> Step:
    """A question about a call."""
    expires_at = time.time() + 57 * 60 if asks == "approval" else None
    metadata = {"asks": asks, "effect": "unsafe", "expires_at": expires_at, "arguments_hash": "0" * 64}
    arguments = {"order": "2026-1187", "to": "peeters@example.org", "lines": [1, 2]}
    about: JsonObject = {"tool_name": "send_invoice", "call_id": call_id(number), "tool_input": arguments}
    return step("approval", sequence, metadata=metadata, **(about | fields))


def asked(number: int, sequence: int, **part: Any) -> Step:
    """A question of a tool."""
    about = {"id": str(UUID(int=900 + number)), "round": 1, "kind": "text"} | part
    metadata = {"asks": "answer", "effect": "pure", "expires_at": time.time() + 57 * 60, "question": about}
    said = f"Asks a person: {about['text']}"
    return step("approval", sequence, said, metadata=metadata, tool_name="ask_person", call_id=call_id(number))


def asked_row(number: int, **columns: Any) -> Question:
    """The row of such a question."""
    return Question(id=UUID(int=900 + number), round=1, asked_at=timezone.now(), **columns)


def call(number: int, state: str = "awaiting_approval", **fields: Any) -> ToolCall:
    """A tool call of a waiting run."""
    waits_for = {"unknown": "decision", "awaiting_answer": "answer"}.get(state, "approval")
    about: JsonObject = {
        "run": run("waiting", waiting_for=waits_for),
        "turn": 2,
        "index": number,
        "tool_name": "send_invoice",
        "arguments": {
            "order": f"2026-118{number}",
            "to": "peeters@example.org",
            "note": "With thanks.\n\nYours,\nAda\nOrders",
        },
        "arguments_hash": f"{number:064d}",
        "effect": "unsafe",
        "epoch": 1,
        "expires_at": timezone.now() + timedelta(minutes=57),
        "started_at": timezone.now() - timedelta(minutes=3) if state == "unknown" else None,
    }
    return ToolCall(call_id=call_id(number), state=state, **(about | fields))
