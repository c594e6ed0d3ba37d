"""What a host does with a run it has claimed: build its loop from the recorded configuration, and run it."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError

from runs.agent.approvals import Parked
from runs.agent.budget import Purse
from runs.agent.errors import AgentFailure
from runs.agent.execution import agent_execution
from runs.agent.journal import JournalClosed
from runs.agent.loop import AgentLoop
from runs.agent.messages import Exchange
from runs.agent.outcome import execute, record_failure
from runs.agent.pausing import PauseWish
from runs.agent.resilience.waits import Waits
from runs.engine import endings
from runs.engine.earlier import earlier_of
from runs.engine.history import history_of
from runs.engine.lease import Claim
from runs.engine.recorder import Recorder
from runs.engine.setting_up import setup_of
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
        run = self.claim.run
        history = history_of(run, self.claim.steps, self.claim.calls)
        history.earlier = earlier
        setup = setup_of(run.config, self.host.provider_for)
        self.recorder.replies.models = [(each.name, each.model) for each in setup.providers]
        return AgentLoop(
            run.task,
            setup,
            journal=self.recorder,
            run_id=run.pk,
            history=history,
            waits=self.waits,
            pause=self.pause,
            shared=self.host.shared,
            purses=purses,
        )
