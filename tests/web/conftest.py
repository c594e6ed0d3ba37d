"""People in each role, their browsers, and runs in any state."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation

from runs.models import Agent, Run, Step
from runs.web import setup_link as first_link
from tests.engine.mcp.oauth_fixtures import oauth, running_oauth  # noqa: F401  taken in for all tests here
from tests.live.live_fixtures import hub, live_timings, watch  # noqa: F401  taken in for all tests of the live view
from tests.web.identities import permission_of
from tests.web.permission_site import site  # noqa: F401  and of permissions
from tests.web.slack_fixtures import channel, linked, slack  # noqa: F401  taken in for those of Slack
from tests.web.step_fixtures import told_run  # noqa: F401  taken in for all tests of a run's pages
from tests.web.thread_fixtures import say  # noqa: F401  for those of threads
from tests.web.tree_fixtures import add_child  # noqa: F401  and of trees
from tests.web.waiting_fixtures import ask, send_name  # noqa: F401  and for those of decisions

PASSWORD = "a good long password"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _no_link_is_left_over() -> None:
    first_link.forget()
    cache.clear()


@pytest.fixture(autouse=True)
def _no_language_is_left_over() -> Iterator[None]:
    """A test's requests activate their language in the thread of the test."""
    yield
    translation.deactivate()


@pytest.fixture
def owner(db: None) -> User:
    """A user with runs of their own."""
    return User.objects.create_user("owner", password=PASSWORD)


@pytest.fixture
def other(db: None) -> User:
    """A user without any of the rows."""
    return User.objects.create_user("other", password=PASSWORD)


@pytest.fixture
def staff(db: None) -> User:
    """A user who sees every run and may use the whole admin."""
    return User.objects.create_superuser("staff", password=PASSWORD)


@pytest.fixture
def clerk(db: None) -> User:
    """A member of staff who may change accounts and groups, and nothing else."""
    clerk = User.objects.create_user("clerk", password=PASSWORD, is_staff=True)
    labels = ("auth.view_user", "auth.change_user", "auth.delete_user", "auth.change_group")
    clerk.user_permissions.set(permission_of(each) for each in labels)
    return clerk


@pytest.fixture
def browser_of() -> Callable[[User | None], Client]:
    """`browser_of(user)`: a signed-in client without CSRF checks; None for a signed-out one."""

    def browser(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return browser


@pytest.fixture
def agent(db: None) -> Agent:
    """The default agent of a new installation, which a flushed test database has lost.

    Launches may choose other models and limits here. The default rules: tests/engine/control/test_ceilings.py.
    """
    anything = {"launch_may_raise": ["limits", "models", "settings"]}
    defaults = {"model_names": ["offline"], "is_default": True, **anything}
    assistant, _ = Agent.objects.update_or_create(name="Assistant", defaults=anything, create_defaults=defaults)
    return assistant


@pytest.fixture
def make_run(agent: Agent) -> Callable[..., Run]:
    """`make_run(user, status="failed", task=…)`: a run in that state, with the rows and fields the state needs."""

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
