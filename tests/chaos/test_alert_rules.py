"""E40: processes that evaluate alert rules are killed in every place, two at a time, on SQLite and on Postgres.

Each change of a level is written once, and none is lost. The clock of a round is an argument, so nothing is waited for.
"""

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import site_process
from tests.chaos.size import SEED, size
from tests.live_site import START_LIMIT_S, clean_environment, manage
from tests.services import need_services, own_services

ROUNDS = size(short=6, full=60)
POINTS = ("alerts_measured", "before_alert_round", "after_alert_round")
PREPARE = """
from datetime import datetime, UTC
from decimal import Decimal
from django.contrib.auth.models import User
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.models import AlertRule, Run
ada = User.objects.create_user("ada")
noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
run = dict(user=ada, task="Do.", status="failed", ended_at=noon, created_at=noon, active_ms=1000, cost=Decimal(9))
Run.objects.bulk_create(Run(**run) for _ in range(9))
for metric in AlertRule.Metric.values:
    values = AlertRuleValues(name=metric, metric=metric, alert_at=Decimal(5), recovery_count=1)
    create_rule(values, user=ada, by=ada)
"""
ROUND = """
from datetime import datetime, timedelta, UTC
from runs.engine.alert_rules.rounds import do_round
from runs.models import Run
now = datetime(2026, 6, 1, 12, tzinfo=UTC) + timedelta(minutes=2 * {number})
if {first}:
    # Ended now: after thirty rounds they would have left the windows of an hour.
    Run.objects.update(status="failed" if {number} % 2 == 0 else "completed", ended_at=now)
print(do_round(now))
"""
TOLD = """
import json
from runs.models import AlertEvent
events = AlertEvent.objects.order_by("rule__name", "number").values_list("rule__name", "number", "to_level")
print(json.dumps({"events": list(events)}))
"""

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture(params=["sqlite", "postgres"])
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    need_services()
    with own_services() as services:
        yield services.environment


def test_each_change_of_a_level_is_written_once_whatever_dies(
    tmp_path: Path, environment: dict[str, str], report: Callable[[str, str], None]
) -> None:
    chance = random.Random(SEED)
    data, crash_file = tmp_path / "data", tmp_path / "crash"
    data.mkdir()
    environment = environment | {"AGENTSITE_CRASH_FILE": str(crash_file)}
    assert manage("migrate", data=data, environment=environment).returncode == 0
    _python(PREPARE, data, environment)
    deaths = 0

    for number in range(ROUNDS):
        crash_file.write_text(chance.choice(POINTS))
        with ThreadPoolExecutor(2) as two:
            codes = [
                two.submit(_python, ROUND.format(number=number, first=place == 0), data, environment, may_die=True)
                for place in range(2)
            ]
            died = sum(each.result() != 0 for each in codes)
        assert died <= 1
        deaths += died
        crash_file.unlink(missing_ok=True)
        # A minute later the claim of the dead has run out: by the clock of the rounds, half a step on.
        _python(
            ROUND.format(number=number, first=True).replace("minutes=2", "seconds=61, minutes=2"), data, environment
        )

    stored = json.loads(_output(TOLD, data, environment))
    by_rule: dict[str, list[tuple[int, str]]] = {}
    for name, event_number, level in stored["events"]:
        by_rule.setdefault(name, []).append((event_number, level))
    levels = ["alert" if number % 2 == 0 else "ok" for number in range(ROUNDS)]
    assert by_rule["failure_rate"] == list(enumerate(levels, 1))
    assert {name: len(events) for name, events in by_rule.items() if name != "failure_rate"} == dict.fromkeys(
        ("cost", "p95_duration", "spend_today", "waiting"), 1
    )
    database = "Postgres" if "DATABASE_URL" in environment else "SQLite"
    told = f"{database}: {ROUNDS} rounds of 5 rules by 2 processes, {deaths} deaths"
    report("E40", f"{told}: 0 changes lost, 0 written twice")


def _python(code: str, data: Path, environment: dict[str, str], *, may_die: bool = False) -> int:
    done = site_process.run(
        ["shell", "--no-imports", "-c", code], clean_environment(data, environment), limit_s=START_LIMIT_S
    )
    assert may_die or done.returncode == 0, done.stderr
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


def _output(code: str, data: Path, environment: dict[str, str]) -> str:
    done = manage("shell", "--no-imports", "-c", code, data=data, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
