"""The clock of a host: rules are evaluated without anybody asking, and soon after a run has ended."""

import asyncio
import time
from datetime import timedelta

from asgiref.sync import sync_to_async

from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.alert_rules import alert_clock
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.models import AlertRule
from tests.engine.alert_rules.conftest import RULE
from tests.engine.conftest import SOON_S, launch


async def reached(rule: AlertRule, level: str) -> AlertRule:
    give_up_at = time.monotonic() + SOON_S
    while (row := await AlertRule.objects.aget(pk=rule.pk)).level != level:
        assert time.monotonic() < give_up_at, f"Still {row.level} after {SOON_S} s."
        await asyncio.sleep(0.01)
    return row


@sync_to_async
def ruled_by(user, **values) -> AlertRule:
    return create_rule(AlertRuleValues(**(RULE | {"least_runs": 1} | values)), user=user, by=user)


async def test_a_host_evaluates_rules_and_does_so_again_when_a_run_has_ended(ada, assistant, host_for, monkeypatch):
    for name in ("SOON", "AGAIN_AFTER"):
        monkeypatch.setattr(alert_clock, name, timedelta(seconds=0.05))
    monkeypatch.setattr("runs.engine.alert_rules.rounds.SOON", timedelta(0))
    monkeypatch.setattr("runs.engine.alert_rules.rounds.MOST_LOAD", 1.0)
    rule = await ruled_by(ada, metric="cost")
    host_for(ScriptedModel(ZeroDivisionError("a bug"), answers("Done.")))
    await reached(rule, "ok")

    rate = await ruled_by(ada)
    await launch(ada)

    row = await reached(rate, "alert")
    assert row.value == 100 and row.counts == {"runs": 1, "failed": 1}


async def test_a_host_of_given_runs_evaluates_nothing(ada, assistant, host_for):
    rule = await ruled_by(ada, metric="cost")
    host = host_for(ScriptedModel(), only=[])

    for _ in range(3):
        await host._sweeper.done()

    assert (await AlertRule.objects.aget(pk=rule.pk)).evaluated_at is None
