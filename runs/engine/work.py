"""What a host does with a run it has claimed: build its loop from the recorded configuration, and run it."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError

from runs.agent.approvals import Approvals, Parked
from runs.agent.budget import Purse
from runs.agent.errors import AgentFailure
from runs.agent.execution import agent_execution
from runs.agent.journal import JournalClosed
from runs.agent.limits import TIME_LIMITS, RunLimits
from runs.agent.loop import AgentLoop
from runs.agent.messages import Exchange
from runs.agent.outcome import execute, record_failure
from runs.agent.pausing import PauseWish
from runs.agent.resilience.waits import Waits
from runs.agent.retry import RetryPolicy
from runs.agent.structured import OutputSchema
from runs.agent.tools.toolbox import Toolbox
from runs.engine import endings
from runs.engine.earlier import earlier_of
from runs.engine.history import history_of
from runs.engine.lease import Claim
from runs.engine.recorder import Recorder
from runs.engine.sweep import close_connection

if TYPE_CHECKING:
    from runs.engine.host import RunHost

logger = logging.getLogger(__name__)


class Work:
    """The work on one claim."""

    def __init__(self, claim: Claim, recorder: Recorder, host: "RunHost", *, waits: Waits, pause: PauseWish) -> None:
        self.claim = claim
        self.recorder = recorder
        self.host = host
        self.waits = waits
        self.pause = pause

    async def do(self) -> None:
        """Work until the run has its final status, or waits for a person without a host.

        Raises `CancelledError` and `JournalClosed` only.
        """
        with suppress(Parked):
            await self._do()

    async def _do(self) -> None:
        async with agent_execution(self.claim.run.task) as state:
            try:
                loop = self._loop(
                    await self.host.days.purses_of(self.claim.run.user_id, self.host.read), await self._earlier()
                )
            except (OperationalError, InterfaceError) as away:
                # Nothing is wrong with the run: whoever claims it next begins it.
                await self.host.read(close_connection)
                raise JournalClosed(f"Run {self.claim.run.pk} could not begin: {away}") from away
            except Exception as failure:
                # The configuration names a model or a tool that is not there (any more), or a provider cannot start.
                if not isinstance(failure, (ValueError, AgentFailure)):
                    logger.exception("Run %s could not begin.", self.claim.run.pk)
                await endings.close_open_calls(self.recorder)
                await record_failure(self.recorder, state, failure)
                return
            self.recorder.doing.goes_on(self.recorder.open_calls.values())
            await execute(loop, state)

    async def _earlier(self) -> tuple[Exchange, ...]:
        if self.claim.run.continues_id is None:
            return ()
        return await self.host.read(partial(earlier_of, self.claim.run))

    def _loop(self, purses: Sequence[Purse], earlier: tuple[Exchange, ...]) -> AgentLoop:
        run, config = self.claim.run, self.claim.run.config
        history = history_of(run, self.claim.steps, self.claim.calls)
        history.earlier = earlier
        return AgentLoop(
            run.task,
            providers=[self.host.provider_for(name) for name in config["models"]],
            toolbox=Toolbox(config.get("tools")),
            journal=self.recorder,
            run_id=run.pk,
            instructions=config.get("instructions", ""),
            limits=limits_of(config),
            retry=RetryPolicy(max_attempts=config.get("max_attempts", 3)),
            history=history,
            strategy=config.get("strategy", "fallback"),
            waits=self.waits,
            pause=self.pause,
            shared=self.host.shared,
            purses=purses,
            approvals=approvals_of(config),
            output=OutputSchema(schema) if (schema := config.get("output_schema")) is not None else None,
        )


def approvals_of(config: dict[str, Any]) -> Approvals:
    """The rules for asking a person in a run's configuration. Runs launched before there were any ask nobody."""
    return Approvals(
        default=config.get("approval", "never"),
        by_tool=config.get("tool_approvals") or {},
        wait_s=config.get("approval_seconds"),
    )


def limits_of(config: dict[str, Any]) -> RunLimits:
    """The limits in a run's configuration. Runs launched before a limit existed have none of it."""
    max_cost = config.get("max_cost_usd")
    return RunLimits(
        max_turns=config["max_turns"],
        max_duration_s=config["max_seconds"],
        max_tokens=config.get("max_tokens"),
        max_cost_usd=None if max_cost is None else Decimal(max_cost),
        context_tokens=config.get("context_tokens"),
        **{name: config[name] for name in TIME_LIMITS if config.get(name)},
    )
