"""Executing a claimed run: the agent loop is built from the recorded configuration and run."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from django.db import InterfaceError, OperationalError

from runs.agent.budget.budget import Budget
from runs.agent.errors.exceptions import AgentFailure, JournalClosed
from runs.agent.execution import agent_execution, execute, record_failure
from runs.agent.interrupts import Parked, PauseRequest
from runs.agent.journal import Entry
from runs.agent.loop import AgentLoop
from runs.agent.messages import History
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.tools.child_runs import AgentInfo
from runs.engine.files.run_files import KnownFiles, RunFiles, files_known_to
from runs.engine.hosting import claim_endings
from runs.engine.hosting.child_runs import agents_known_to, count_children, is_call_of_agent, with_agents
from runs.engine.hosting.claim_queries import Claim
from runs.engine.hosting.conversation import earlier_exchanges_of
from runs.engine.hosting.missing_tools import missing_tools_note
from runs.engine.hosting.replay import history_of
from runs.engine.hosting.run_config import setup_of
from runs.engine.hosting.services import HostServices
from runs.engine.hosting.sweeper import close_connection
from runs.engine.recording.recorder import Recorder
from runs.engine.skills.run_skills import RunSkills, skills_known_to
from runs.engine.stored_tools.catalog import refresh_tools

logger = logging.getLogger(__name__)


class RunExecution:
    """The execution of one claim."""

    def __init__(
        self,
        claim: Claim,
        recorder: Recorder,
        services: HostServices,
        *,
        sleep: InterruptibleSleep,
        pause: PauseRequest,
    ) -> None:
        self.claim = claim
        self.recorder = recorder
        self.services = services
        self.sleep = sleep
        self.pause = pause

    async def run(self) -> None:
        """Work until the run has its final status, or is parked for a person.

        Raises `CancelledError` and `JournalClosed` only.
        """
        with suppress(Parked):
            await self._run()

    async def _run(self) -> None:
        async with agent_execution(self.claim.run.task) as state:
            try:
                budgets = await self.services.daily_budgets.budgets_of(self.claim.run.user_id, self.services.read)
                files = await files_known_to(self.claim.run)
                skills = await skills_known_to(self.claim.run)
                await self.services.read(refresh_tools)
                agents = await agents_known_to(self.claim.run, self.claim.calls)
                history = await self._history()
                loop = self._loop(budgets, history, files, skills, agents)
            except (OperationalError, InterfaceError) as away:
                # The run itself is fine: the next host that claims it begins it.
                await self.services.read(close_connection)
                raise JournalClosed(f"Run {self.claim.run.pk} could not begin: {away}") from away
            except Exception as failure:
                # The configuration names a model that does not exist (any more), or a provider cannot start.
                if not isinstance(failure, (ValueError, AgentFailure)):
                    logger.exception("Run %s could not begin.", self.claim.run.pk)
                await claim_endings.close_open_calls(self.recorder)
                await record_failure(self.recorder, state, failure)
                return
            if (note := missing_tools_note(self.claim.run.config, self.claim.steps)) is not None:
                await self.recorder.record(Entry(thoughts=[note]))
            self.recorder.activity.goes_on(self.recorder.open_calls.values())
            await execute(loop, state)

    async def _history(self) -> History:
        run, calls = self.claim.run, self.claim.calls
        history = history_of(run, self.claim.steps, calls, self.claim.answered)
        if run.continues_id is not None:
            history.earlier = await self.services.read(partial(earlier_exchanges_of, run))
        if any(is_call_of_agent(call) for call in calls):
            await self.services.read(partial(count_children, history, run))
        return history

    def _loop(
        self,
        budgets: Sequence[Budget],
        history: History,
        files: KnownFiles,
        skills: RunSkills,
        agents: Sequence[AgentInfo],
    ) -> AgentLoop:
        run = self.claim.run
        setup = setup_of(run.config, self.services.provider_for)
        setup = replace(setup, files=RunFiles(run), file_infos=files.infos, images=files.images)
        setup = with_agents(replace(setup, skills=skills, skill_infos=skills.infos), run, agents)
        self.recorder.replies.models = [(each.name, each.model) for each in setup.providers]
        return AgentLoop(
            run.task,
            setup,
            journal=self.recorder,
            run_id=run.pk,
            history=history,
            sleep=self.sleep,
            pause=self.pause,
            signal=self.recorder.signal,
            health=self.services.health,
            budgets=budgets,
        )
