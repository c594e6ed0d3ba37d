"""`run_agent` and `stream_agent_execution`: runs in a script, without database or server."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

from runs.agent.concurrency.race import Strategy
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.concurrency.tasks import cancel_and_wait
from runs.agent.config import RunConfig
from runs.agent.execution import agent_execution, execute
from runs.agent.journal import ReportingJournal
from runs.agent.loop import AgentLoop
from runs.agent.messages import ModelProvider
from runs.agent.model_settings import PROVIDER_DEFAULTS, ModelSettings
from runs.agent.run_limits import RunLimits
from runs.agent.skills.access import GivenSkills
from runs.agent.skills.folder import skills_of
from runs.agent.skills.skill_list import READING_TOOL
from runs.agent.state import AgentResult
from runs.agent.structured_output import OutputSchema
from runs.agent.thoughts import AgentThought
from runs.agent.tools.toolbox import Toolbox

T = TypeVar("T")

Models = str | ModelProvider | Sequence[str | ModelProvider]
Report = Callable[[AgentThought], object]


@overload
async def run_agent(
    task: str,
    *,
    model: Models = ...,
    tools: Any = ...,
    limits: RunLimits | None = ...,
    retry: RetryPolicy | None = ...,
    instructions: str = ...,
    settings: ModelSettings | None = ...,
    strategy: Strategy = ...,
    skills: Sequence[Path] = ...,
    output: None = None,
    report: Report | None = ...,
) -> AgentResult[str]: ...


@overload
async def run_agent(
    task: str,
    *,
    model: Models = ...,
    tools: Any = ...,
    limits: RunLimits | None = ...,
    retry: RetryPolicy | None = ...,
    instructions: str = ...,
    settings: ModelSettings | None = ...,
    strategy: Strategy = ...,
    skills: Sequence[Path] = ...,
    output: type[T],
    report: Report | None = ...,
) -> AgentResult[T]: ...


@overload
async def run_agent(
    task: str,
    *,
    model: Models = ...,
    tools: Any = ...,
    limits: RunLimits | None = ...,
    retry: RetryPolicy | None = ...,
    instructions: str = ...,
    settings: ModelSettings | None = ...,
    strategy: Strategy = ...,
    skills: Sequence[Path] = ...,
    output: Mapping[str, Any] | object,
    report: Report | None = ...,
) -> AgentResult[Any]: ...


async def run_agent(
    task: str,
    *,
    model: Models = "offline",
    tools: Any = None,
    limits: RunLimits | None = None,
    retry: RetryPolicy | None = None,
    instructions: str = "",
    settings: ModelSettings | None = None,
    strategy: Strategy = "fallback",
    skills: Sequence[Path] = (),
    output: Any = None,
    report: Report | None = None,
) -> AgentResult[Any]:
    """Run an agent on `task` until it has an answer, reaches a limit, or the model is unavailable. Returns the result.

    `model` is a name ("offline", "openai:gpt-6-astra", "local/m1"), a provider, or several in order of preference,
    asked one after another, or in parallel with the `strategy` `hedge` or `race`. `tools` are names or tools; None for
    all registered ones, an empty list for none. `settings` are reasoning effort, sampling and length of the replies.
    With `output` (a pydantic model, a type, or a JSON Schema) the answer is data: the model is asked twice to correct
    an answer that does not fit, then the run fails with code `bad_output`. `skills` are skill folders, which the tool
    `read_skill` reads.

    `report` is called with each thought at once and must not block. Raises `ValueError` for an unknown model or tool,
    an invalid schema or skill, and otherwise only `CancelledError`.
    """
    given = GivenSkills(await asyncio.to_thread(skills_of, skills) if skills else ())
    config = RunConfig(
        providers=_providers(model),
        toolbox=Toolbox(tools).including(READING_TOOL if skills else None),
        skills=given,
        skill_infos=given.infos,
        instructions=instructions,
        settings=settings or PROVIDER_DEFAULTS,
        limits=limits or RunLimits(),
        retry=retry or RetryPolicy(),
        strategy=strategy,
        output=None if output is None else OutputSchema(output),
    )
    journal = ReportingJournal(report)
    loop = AgentLoop(task, config, journal=journal, run_id=uuid.uuid4())
    async with agent_execution(task) as state:
        result = await execute(loop, state)
    result.steps_taken = journal.thoughts_recorded
    return result


async def stream_agent_execution(task: str, **options: Any) -> AsyncGenerator[AgentThought, None]:
    """Run an agent and yield each thought as it is reported; `options` are those of `run_agent`, except `report`.

    An error of the run is a thought, not an exception. Cancelling the caller, or closing the iterator early (as
    `contextlib.aclosing` does), cancels the run and waits until it has ended.
    """
    # A queue between the run and the caller, because a yield inside the run's TaskGroup or timeout would let the
    # caller's exceptions and cancellations appear in the wrong task (PEP 789).
    thoughts: asyncio.Queue[AgentThought | None] = asyncio.Queue()
    run = asyncio.create_task(run_agent(task, report=thoughts.put_nowait, **options))
    run.add_done_callback(lambda _: thoughts.put_nowait(None))
    try:
        while (thought := await thoughts.get()) is not None:
            yield thought
        await run  # run_agent raises only when cancelled, and for invalid options
    finally:
        await cancel_and_wait([run])


def _providers(model: str | ModelProvider | Sequence[str | ModelProvider]) -> list[ModelProvider]:
    # Imported here: the catalog imports every provider, and a script with its own provider needs none of them.
    from runs.agent.providers.model_catalog.catalog import provider_for

    one_or_more = list(model) if isinstance(model, Sequence) and not isinstance(model, str) else [model]
    return [provider_for(each) if isinstance(each, str) else each for each in one_or_more]
