"""The charts of an agent's runs, day by day."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import Agent, Run
from runs.web.agent_trends import DAYS, AgentTrend, trends_of
from runs.web.home_charts import BAR_STEP, CHART_HEIGHT

MakeRun = Callable[..., Run]
LAST, EARLIER = (DAYS - 1) * BAR_STEP, (DAYS - 4) * BAR_STEP
"""The places of today and of three days ago."""


def by_name(user: User, agent: Agent) -> dict[str, AgentTrend]:
    return {each.name: each for each in trends_of(user, agent)}


def bars_of(trend: AgentTrend, tone: str) -> dict[int, float]:
    return {bar.x: bar.height for bar in trend.bars if bar.tone == tone}


def test_success_and_cost_stand_at_the_day_of_the_launch(owner: User, agent: Agent, make_run: MakeRun) -> None:
    now = timezone.now()
    make_run(owner, cost=Decimal("0.5"))
    for status in ("completed", "failed", "cancelled"):
        make_run(owner, status=status, cost=Decimal("0.25"), created_at=now - timedelta(days=3))
    make_run(owner, could_not=True, created_at=now - timedelta(days=3))
    make_run(owner, cost=Decimal(9), created_at=now - timedelta(days=DAYS + 1))

    trends = by_name(owner, agent)

    assert bars_of(trends["success"], "ok") == {EARLIER: pytest.approx(CHART_HEIGHT / 3), LAST: CHART_HEIGHT}
    assert bars_of(trends["success"], "error") == {EARLIER: CHART_HEIGHT, LAST: CHART_HEIGHT}
    assert trends["success"].about == "50 % of the runs of 2 days succeeded; on the worst day 33 %."
    assert bars_of(trends["cost"], "") == {EARLIER: CHART_HEIGHT, LAST: pytest.approx(CHART_HEIGHT * 2 / 3)}
    assert trends["cost"].about == "$1.25 in 2 days; at most $0.7500 on a day."


def test_only_runs_that_a_person_sees_are_counted(
    owner: User, other: User, staff: User, agent: Agent, make_run: MakeRun
) -> None:
    make_run(owner)

    assert (list(by_name(other, agent)), list(by_name(staff, agent))) == ([], ["success"])


def test_an_agent_whose_runs_are_free_or_at_work_has_no_chart_of_nothing(
    owner: User, agent: Agent, make_run: MakeRun
) -> None:
    make_run(owner, status="thinking", owner="a-host", epoch=1)

    assert trends_of(owner, agent) == []


def test_the_page_shows_the_charts_with_their_words(
    owner: User, agent: Agent, make_run: MakeRun, browser_of: Callable[..., Client]
) -> None:
    make_run(owner, cost=Decimal("0.5"))

    page: Any = browser_of(owner).get(f"/agents/{agent.pk}/").content.decode()

    assert page.count('<svg class="sparkline"') == 2 and 'data-trend="cost"' in page
    assert "100 % of the runs of 1 day succeeded" in page
