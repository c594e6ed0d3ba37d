"""People, agents, runs that have ended, and rules; the clock of a test is an argument."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from runs.engine.alert_rules.rounds import do_round
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.models import Agent, AlertRule, Run

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE: dict[str, Any] = {
    "name": "Failures",
    "metric": "failure_rate",
    "alert_at": Decimal(50),
    "warning_at": Decimal(20),
}


@pytest.fixture
def clerk(db: None) -> Agent:
    return Agent.objects.create(name="Clerk", model_names=["offline"])


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", password="secret")


@pytest.fixture
def other(db: None) -> User:
    return User.objects.create_user("other", password="secret")


@pytest.fixture
def staff(db: None) -> User:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_run"))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def ruled(owner: User) -> Callable[..., AlertRule]:
    """Make a rule of the owner about failures in an hour, an alert from 50 % on, and a warning from 20 % on."""

    def make(by: User = owner, **values: Any) -> AlertRule:
        return create_rule(AlertRuleValues(**(RULE | values)), user=by, by=by)

    return make


def ran(user: User | None, *, at: datetime = NOON, status: str = "completed", count: int = 1, **columns: Any) -> None:
    """Runs that ended at `at`."""
    about: dict[str, Any] = {"user": user, "task": "Do.", "status": status, "ended_at": at, "created_at": at}
    Run.objects.bulk_create(Run(**(about | columns)) for _ in range(count))


def rounds(*times: datetime) -> None:
    for at in times:
        assert do_round(at) is not None, f"The round of {at} was not due."


def history(rule: AlertRule) -> list[str]:
    """The levels that the rule has entered, in order."""
    return list(rule.events.order_by("number").values_list("to_level", flat=True))
