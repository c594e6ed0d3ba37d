"""`manage.py alerts`: what the command line says of alert rules, and that it evaluates them."""

from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from runs.engine.alert_rules.rounds import claim_round, do_round
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.models import AlertRound, AlertRule, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule() -> AlertRule:
    """A rule over a month, whose runs have all failed."""
    ada, now = User.objects.create_user("ada"), timezone.now()
    about = {"user": ada, "task": "x", "status": "failed", "ended_at": now, "created_at": now}
    Run.objects.bulk_create(Run(**about) for _ in range(9))
    values = AlertRuleValues(name="Failures", metric="failure_rate", alert_at=Decimal(50), window_s=2_592_000)
    return create_rule(values, user=ada, by=ada)


def said(*arguments: str) -> str:
    output = StringIO()
    call_command("alerts", *arguments, stdout=output)
    return output.getvalue()


def test_all_rules_are_evaluated_at_once_whoever_did_the_last_round(rule: AlertRule) -> None:
    do_round(timezone.now())
    Run.objects.update(status="completed")
    AlertRule.objects.update(recovery_count=1)

    assert said("evaluate") == "1 rule evaluated, 1 changed.\n"
    assert said("list") == f"{rule.pk}  ok       0             ada  Failures\n"


def test_an_evaluation_waits_for_a_round_that_is_being_done(rule: AlertRule, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claim_round(timezone.now()) is not None
    monkeypatch.setattr(
        "runs.engine.alert_rules.rounds.time.sleep", lambda _s: AlertRound.objects.update(claimed_until=None)
    )

    assert said("evaluate") == "1 rule evaluated, 1 changed.\n"


def test_without_rules_nothing_is_evaluated() -> None:
    assert said("evaluate") == "0 rules evaluated, 0 changed.\n" and said("list") == ""


def test_the_list_of_raised_rules_ends_with_1_if_there_is_one(rule: AlertRule) -> None:
    assert said("list", "--raised") == ""
    said("evaluate")

    with pytest.raises(SystemExit) as ended:
        said("list", "--raised")

    assert ended.value.code == 1
