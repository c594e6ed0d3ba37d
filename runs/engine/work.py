"""What a host does with a run it has claimed: build its loop from the recorded configuration, and run it."""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runs.agent.budget import Purse
from runs.agent.errors import AgentFailure
from runs.agent.execution import agent_execution
from runs.agent.limits import TIME_LIMITS, RunLimits
from runs.agent.loop import AgentLoop, execute, record_failure
from runs.agent.resilience.waits import Waits
from runs.agent.retry import RetryPolicy
from runs.agent.structured import OutputSchema
from runs.agent.tools.toolbox import Toolbox
from runs.engine import endings
from runs.engine.history import history_of
from runs.engine.lease import Claim
from runs.engine.recorder import Recorder

if TYPE_CHECKING:
    from runs.engine.host import RunHost

logger = logging.getLogger(__name__)


class Work:
    """The work on one claim."""

    def __init__(self, claim: Claim, recorder: Recorder, host: "RunHost", waits: Waits) -> None:
        self.claim = claim
        self.recorder = recorder
        self.host = host
        self.waits = waits

    async def do(self) -> None:
        """Work until the run has its final status. Raises `CancelledError` and `JournalClosed` only."""
        async with agent_execution(self.claim.run.task) as state:
            try:
                loop = self._loop(await self.host.days.purses_of(self.claim.run.user_id, self.host.read))
            except Exception as failure:
                # The configuration names a model or a tool that is not there (any more), or a provider cannot start.
                if not isinstance(failure, (ValueError, AgentFailure)):
                    logger.exception("Run %s could not begin.", self.claim.run.pk)
                await endings.close_open_calls(self.recorder)
                await record_failure(self.recorder, state, failure)
                return
            await execute(loop, state)

    def _loop(self, purses: Sequence[Purse]) -> AgentLoop:
        run, config = self.claim.run, self.claim.run.config
        return AgentLoop(
            run.task,
            providers=[self.host.provider_for(name) for name in config["models"]],
            toolbox=Toolbox(config.get("tools")),
            journal=self.recorder,
            run_id=run.pk,
            instructions=config.get("instructions", ""),
            limits=limits_of(config),
            retry=RetryPolicy(max_attempts=config.get("max_attempts", 3)),
            history=history_of(run, self.claim.steps, self.claim.calls),
            strategy=config.get("strategy", "fallback"),
            waits=self.waits,
            shared=self.host.shared,
            purses=purses,
            output=OutputSchema(schema) if (schema := config.get("output_schema")) is not None else None,
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
