"""Calls that wait for a decision."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from runs.agent.tools.registry import tool
from runs.engine.recording.canonical_json import arguments_hash
from runs.models import Run, Step, ToolCall

Ask = Callable[..., ToolCall]


@pytest.fixture
def send_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a tool whose calls wait for approval."""
    name = f"send_{uuid4().hex[:8]}"

    @tool(name=name)
    def send(to: str, copies: int = 1, urgent: bool = False, extra: dict[str, int] | None = None) -> str:
        """Send a letter.

        Args:
            to: Who gets it.
        """
        return f"{to}, {copies}, {urgent}, {extra}"

    return name


@pytest.fixture
def ask(make_run: Callable[..., Run], send_name: str) -> Ask:
    """`ask(user, to="bob")`: a waiting call of a new run of the user's; with `run=`, a further call of that run."""

    def asked(user: User, *, run: Run | None = None, **arguments: Any) -> ToolCall:
        run = run or make_run(user, status="waiting", waiting_for="approval", epoch=1)
        arguments = arguments or {"to": "bob"}
        call = ToolCall.objects.create(
            call_id=uuid4(), run=run, turn=1, index=run.calls.count(), tool_name=send_name, arguments=arguments,
            arguments_hash=arguments_hash(arguments), state="awaiting_approval", epoch=1,
        )  # fmt: skip
        about = {"turn": 1, "tool_name": send_name, "call_id": call.pk, "tool_input": arguments, "epoch": 1}
        question = {"asks": "approval", "arguments_hash": call.arguments_hash, "effect": "unsafe"}
        for kind, metadata in (("tool_call", {"effect": "unsafe"}), ("approval", question)):
            Step.objects.create(run=run, sequence=run.next_sequence, kind=kind, metadata=metadata, **about)
            run.next_sequence += 1
        run.save()
        return call

    return asked


def address(call: ToolCall, what: str) -> str:
    """The URL to which a decision about the call is posted."""
    return f"/runs/{call.run_id}/calls/{call.pk}/{what}/"
