"""Programs with tokens, and their owners."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.engine.recording.canonical_json import arguments_hash
from runs.models import ApiToken, Run, ToolCall
from tests.web.conftest import (  # noqa: F401  the same people, agents and runs as on the pages
    _no_link_is_left_over,
    agent,
    browser_of,
    make_run,
    other,
    owner,
    staff,
)
from tests.web.thread_fixtures import say  # noqa: F401  for those of threads

ALL = [scope.value for scope in ApiToken.Scope]


class Program:
    """A client of the API that sends a token and JSON."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1{path}",
            "" if body is None else body if isinstance(body, str | bytes) else json.dumps(body),
            content_type=headers.pop("content_type", "application/json"),
            headers=self.headers | {name.replace("_", "-"): text for name, text in headers.items()},
        )

    def send(self, method: str, path: str, body: Any = None) -> Any:
        sent: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, f"/api/v1{path}", headers=self.headers, **sent)


@pytest.fixture
def program_of(db: None) -> Callable[..., Program]:
    """`program_of(user, "read")`: a program with a token of that person; all scopes if none are named."""

    def make(user: User | None, *scopes: str) -> Program:
        if user is None:
            return Program(None)
        _token, text = ApiToken.issue(user, name="a program", scopes=list(scopes) or ALL)
        return Program(text)

    return make


def error_of(response: Any) -> dict[str, Any]:
    """The error in a response, which has the contract's five fields and no others."""
    body = response.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"code", "message", "severity", "recoverable", "suggested_action"}
    assert error["severity"] in ("info", "warning", "error", "critical")
    return error


@pytest.fixture
def make_call(make_run: Callable[..., Run]) -> Callable[..., ToolCall]:  # noqa: F811  the fixture above
    """`make_call(user)`: a call that waits for that person's approval, in a parked run of theirs."""

    def make(user: User, **fields: Any) -> ToolCall:
        run = make_run(user, status="waiting", waiting_for="approval")
        arguments = fields.pop("arguments", {"to": "ada@example.org"})
        fields = {
            "turn": 1,
            "index": 0,
            "tool_name": "send_mail",
            "arguments_hash": arguments_hash(arguments),
            "state": ToolCall.State.AWAITING_APPROVAL,
            "epoch": 1,
        } | fields
        return ToolCall.objects.create(call_id=uuid4(), run=run, arguments=arguments, **fields)

    return make
