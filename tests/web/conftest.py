"""People in their roles, their browsers, and runs in any state."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from runs.models import Agent, Run, Step
from runs.web import first_link
from tests.web.live_fixtures import hub, watch  # noqa: F401  taken in for all tests of the live view

PASSWORD = "a good long password"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _no_link_is_left_over() -> None:
    first_link.forget()
    cache.clear()


@pytest.fixture
def owner(db: None) -> User:
    """Somebody with runs of their own."""
    return User.objects.create_user("owner", password=PASSWORD)


@pytest.fixture
def other(db: None) -> User:
    """Another user, to whom none of it belongs."""
    return User.objects.create_user("other", password=PASSWORD)


@pytest.fixture
def staff(db: None) -> User:
    """Somebody who sees every run and may use the whole admin."""
    return User.objects.create_superuser("staff", password=PASSWORD)


@pytest.fixture
def browser_of() -> Callable[[User | None], Client]:
    """`browser_of(user)`: a signed-in client that checks CSRF tokens off; None for somebody signed out."""

    def browser(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return browser


@pytest.fixture
def agent(db: None) -> Agent:
    """The default agent of a new installation, which a flushed test database has lost."""
    defaults = {"model_names": ["offline"], "is_default": True}
    assistant, _ = Agent.objects.get_or_create(name="Assistant", defaults=defaults)
    return assistant


@pytest.fixture
def make_run(agent: Agent) -> Callable[..., Run]:
    """`make_run(user, status="failed", task=…)`: a run in that state, with whatever its state needs."""

    def make(user: User, *, status: str = "completed", steps: int = 0, **fields: Any) -> Run:
        fields = {
            "agent": agent,
            "config": agent.snapshot(),
            "task": "half of 90",
            **_fitting(status, fields),
            **fields,
        }
        run = Run.objects.create(user=user, status=status, next_sequence=steps + 1, **fields)
        Step.objects.bulk_create(
            Step(
                run=run,
                sequence=number,
                epoch=1,
                kind="reasoning",
                content=f"Thought {number}.",
                replay={"key": "s3cret"},
            )
            for number in range(1, steps + 1)
        )
        return run

    return make


def _fitting(status: str, fields: dict[str, Any]) -> dict[str, Any]:
    launched: datetime = fields.get("created_at") or timezone.now()
    hosted = status in ("thinking", "executing") or fields.get("waiting_for") == "retry"
    return {
        "owner": "a-host" if hosted else None,
        "started_at": None if status == "idle" else launched,
        "ended_at": launched + timedelta(seconds=3) if status in Run.FINAL else None,
    }
