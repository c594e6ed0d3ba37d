"""`run_agent`: a run for a script, without database or server."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from runs.agent.execution import agent_execution
from runs.agent.journal import ReportingJournal
from runs.agent.limits import RunLimits
from runs.agent.loop import AgentLoop
from runs.agent.messages import ModelProvider
from runs.agent.outcome import execute
from runs.agent.race import Strategy
from runs.agent.results import AgentResult
from runs.agent.retry import RetryPolicy
from runs.agent.setup import Setup
from runs.agent.structured import OutputSchema
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
    strategy: Strategy = ...,
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
    strategy: Strategy = ...,
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
    strategy: Strategy = ...,
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
    strategy: Strategy = "fallback",
    output: Any = None,
    report: Report | None = None,
) -> AgentResult[Any]:
    """Work on `task` until there is an answer, a limit is reached or the model is gone; how it ended.

    `model` is a name ("offline", "openai:gpt-6-astra", "local/m1"), a provider, or several in order of preference,
    asked one after another, or together if the `strategy` is `hedge` or `race`; `tools` names or tools, None for all
    registered ones. With `output` (a pydantic model, a type, or a JSON Schema) the
    answer is data: an answer that does not fit is asked for again, twice, then the run fails with code `bad_output`.
    `report` is called with each thought as it happens and must not block. Raises `ValueError` for an unknown model or
    tool or a schema that is none, and otherwise only `CancelledError`.
    """
    setup = Setup(
        providers=_providers(model),
        toolbox=Toolbox(tools),
        instructions=instructions,
        limits=limits or RunLimits(),
        retry=retry or RetryPolicy(),
        strategy=strategy,
        output=None if output is None else OutputSchema(output),
    )
    journal = ReportingJournal(report)
    loop = AgentLoop(task, setup, journal=journal, run_id=uuid.uuid4())
    async with agent_execution(task) as state:
        result = await execute(loop, state)
    result.steps_taken = journal.thoughts_recorded
    return result


def _providers(model: str | ModelProvider | Sequence[str | ModelProvider]) -> list[ModelProvider]:
    # Imported here: the catalog knows every provider, and a script with its own needs none of them.
    from runs.agent.providers.catalog import provider_for

    one_or_more = list(model) if isinstance(model, Sequence) and not isinstance(model, str) else [model]
    return [provider_for(each) if isinstance(each, str) else each for each in one_or_more]
