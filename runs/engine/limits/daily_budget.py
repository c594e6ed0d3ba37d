"""Daily limits per person on tokens and cost, checked at the launch and before each model call."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError

from runs.agent.budget.budget import Budget
from runs.agent.errors.exceptions import LimitReached
from runs.agent.text import dollars_text
from runs.agent.wording import Wording
from runs.models import Spending

logger = logging.getLogger(__name__)

NAMES = ("daily_tokens_per_user", "daily_usd_per_user")
ReadSpending = Callable[[Callable[[], Spending | None]], Awaitable[Spending | None]]
"""Runs a query in a thread that may query."""
LookUp = Callable[[], Awaitable[Spending | None]]


class DailyLimitReached(ValueError):
    """The person's runs have reached a daily limit. The message says what to do."""


class DailyBudget(Budget):
    """The budget of one person for one day. It resets at midnight UTC.

    Before each call it reads what other processes have spent. The cost of calls in flight is known only to their own
    process, so several processes together can exceed a limit by that much.
    """

    def __init__(self, spent: Spending | None, look_up: LookUp | None = None) -> None:
        """`spent` is the person's spending so far; `look_up` reads it again."""
        super().__init__(
            max_tokens=settings.AGENTSITE_DAILY_TOKENS_PER_USER,
            max_cost_usd=settings.AGENTSITE_DAILY_USD_PER_USER,
            names=NAMES,
        )
        self._look_up = look_up
        self._day = _today()
        self._learn(spent)

    async def refresh(self) -> None:
        """Read the person's spending of today. While the database is unreachable, the last known value counts."""
        if self._look_up is None:
            return
        try:
            self._learn(await self._look_up())
        except (OperationalError, InterfaceError) as away:
            logger.warning("What a person's runs have used today could not be looked up: %s", away)

    def check(self, tokens: int, cost_usd: Decimal) -> None:
        """Raise `LimitReached` if a call of that size would exceed a daily limit."""
        self._begin_day()
        super().check(tokens, cost_usd)

    def _learn(self, spent: Spending | None) -> None:
        self._begin_day()
        if spent is not None and spent.day == self._day:
            # The spending of this process may not be recorded yet.
            self.tokens, self.cost_usd = max(self.tokens, spent.tokens), max(self.cost_usd, spent.cost)

    def _begin_day(self) -> None:
        if (today := _today()) != self._day:
            self._day, self.tokens, self.cost_usd = today, 0, Decimal(0)


class DailyBudgets:
    """The budgets of the people whose runs are hosted in this process."""

    def __init__(self) -> None:
        self._budgets: dict[int, DailyBudget] = {}

    async def budgets_of(self, user_id: int | None, read: ReadSpending) -> list[Budget]:
        """The person's budget, as a list; empty without daily limits, and for a run without a user."""
        if user_id is None or not _are_limits_set():
            return []
        if user_id not in self._budgets:
            look_up = partial(read, partial(spent_today, user_id))
            spent = await look_up()
            # Another run of the same person may have set it during the await.
            self._budgets.setdefault(user_id, DailyBudget(spent, look_up))
        return [self._budgets[user_id]]


def check_daily_limits(user: Any) -> None:
    """Raise `DailyLimitReached` if the person's runs have reached a daily limit."""
    if user is None or not _are_limits_set():
        return
    try:
        DailyBudget(spent_today(user.pk)).check(0, Decimal(0))
    except LimitReached as reached:
        raise DailyLimitReached(_words_about(reached)) from reached


def _words_about(reached: LimitReached) -> Wording:
    variable = f"AGENTSITE_{reached.limit_name.upper()}"
    if reached.unit == "tokens":
        return Wording(
            "Your runs have used %(count)s token today, of %(most)s a day. Launch it after midnight UTC, or ask the "
            "staff to raise %(variable)s.",
            plural="Your runs have used %(count)s tokens today, of %(most)s a day. Launch it after midnight UTC, or "
            "ask the staff to raise %(variable)s.",
            count=reached.used,
            most=reached.limit,
            variable=variable,
        )
    return Wording(
        "Your runs have used $%(used)s today, of $%(most)s a day. Launch it after midnight UTC, or ask the staff to "
        "raise %(variable)s.",
        used=dollars_text(reached.used).removeprefix("$"),
        most=dollars_text(reached.limit).removeprefix("$"),
        variable=variable,
    )


def spent_today(user_id: int) -> Spending | None:
    """The recorded spending of the person's runs today; None if there is none."""
    return Spending.objects.filter(user_id=user_id, day=_today()).first()


def _are_limits_set() -> bool:
    return bool(settings.AGENTSITE_DAILY_TOKENS_PER_USER or settings.AGENTSITE_DAILY_USD_PER_USER)


def _today() -> date:
    return datetime.now(UTC).date()
