"""The agent core, usable from any Python program: nothing here imports Django.

The names below are loaded on first access, so `import runs.agent` is cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runs.agent.concurrency.race import AllFailed as AllFailed
    from runs.agent.concurrency.race import call_first_to_respond as call_first_to_respond
    from runs.agent.concurrency.race import first_success as first_success
    from runs.agent.concurrency.retry import RetryPolicy as RetryPolicy
    from runs.agent.concurrency.retry import async_retry as async_retry
    from runs.agent.concurrency.timeouts import call_with_timeout as call_with_timeout
    from runs.agent.errors.agent_error import AgentError as AgentError
    from runs.agent.errors.agent_error import ErrorSeverity as ErrorSeverity
    from runs.agent.errors.classification import handle_agent_error as handle_agent_error
    from runs.agent.errors.exceptions import AgentFailure as AgentFailure
    from runs.agent.errors.exceptions import ToolFailed as ToolFailed
    from runs.agent.errors.exceptions import ToolUnavailable as ToolUnavailable
    from runs.agent.execution import agent_execution as agent_execution
    from runs.agent.model_settings import ModelSettings as ModelSettings
    from runs.agent.run import run_agent as run_agent
    from runs.agent.run import stream_agent_execution as stream_agent_execution
    from runs.agent.run_limits import RunLimits as RunLimits
    from runs.agent.state import AgentResult as AgentResult
    from runs.agent.state import AgentState as AgentState
    from runs.agent.state import AgentStatus as AgentStatus
    from runs.agent.state import AgentStep as AgentStep
    from runs.agent.thoughts import AgentThought as AgentThought
    from runs.agent.thoughts import ThoughtType as ThoughtType
    from runs.agent.tool_calls.parallel import execute_tools_parallel as execute_tools_parallel
    from runs.agent.tools.call_idempotency import idempotency_key as idempotency_key
    from runs.agent.tools.person_questions import PersonAsked as PersonAsked
    from runs.agent.tools.person_questions import PersonQuestion as PersonQuestion
    from runs.agent.tools.person_questions import given_answers as given_answers
    from runs.agent.tools.programs import ProgramResult as ProgramResult
    from runs.agent.tools.programs import run_program as run_program
    from runs.agent.tools.protocol import Tool as Tool
    from runs.agent.tools.registry import execute_tool_by_name as execute_tool_by_name
    from runs.agent.tools.registry import execute_tool_safely as execute_tool_safely
    from runs.agent.tools.registry import get_available_tools as get_available_tools
    from runs.agent.tools.registry import tool as tool
    from runs.agent.tools.toolbox import Toolbox as Toolbox

_NAMES_BY_MODULE = {
    "run_limits": ["RunLimits"],
    "concurrency.race": ["AllFailed", "call_first_to_respond", "first_success"],
    "concurrency.retry": ["RetryPolicy", "async_retry"],
    "concurrency.timeouts": ["call_with_timeout"],
    "errors.classification": ["handle_agent_error"],
    "errors.agent_error": ["AgentError", "ErrorSeverity"],
    "errors.exceptions": ["AgentFailure", "ToolFailed", "ToolUnavailable"],
    "execution": ["agent_execution"],
    "model_settings": ["ModelSettings"],
    "run": ["run_agent", "stream_agent_execution"],
    "state": ["AgentResult", "AgentState", "AgentStatus", "AgentStep"],
    "thoughts": ["AgentThought", "ThoughtType"],
    "tool_calls.parallel": ["execute_tools_parallel"],
    "tools.call_idempotency": ["idempotency_key"],
    "tools.person_questions": ["PersonAsked", "PersonQuestion", "given_answers"],
    "tools.programs": ["ProgramResult", "run_program"],
    "tools.protocol": ["Tool"],
    "tools.registry": ["execute_tool_by_name", "execute_tool_safely", "get_available_tools", "tool"],
    "tools.toolbox": ["Toolbox"],
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 - a list of strings, made from the one table above


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
