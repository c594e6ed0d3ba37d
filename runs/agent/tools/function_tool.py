"""The tool class for functions."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.call_limits import CallLimits
from runs.agent.tools.protocol import REPEATABLE, Approval, Effect
from runs.agent.tools.schema import read_signature
from runs.agent.tools.validation import late_validator, schema_validator
from runs.agent.tools.worker_threads import call_in_thread

if TYPE_CHECKING:
    from runs.agent.concurrency.retry import RetryPolicy

EFFECTS = ("pure", "read", "idempotent", "unsafe")
APPROVALS = ("never", "unsafe", "always")


class ToolOptions(TypedDict, total=False):
    """What may be declared of a tool besides its name, its description and its parameters."""

    effect: Effect
    """What a second run of a call would do; `unsafe` if nothing is declared."""
    timeout_s: float | None
    """Time limit of one attempt at a call; None: the run's limit."""
    retry: "RetryPolicy | None"
    """The policy after timeouts and connection errors; not allowed for an unsafe tool."""
    approval: Approval | None
    """Which of its calls need an approval, unless the agent has a rule for this tool; None: the agent's rule."""
    makes_calls: bool
    """True: it calls other tools (`nested_calls.py`), starts again after an approval or a crash, and so is pure."""
    polls: bool
    """True: the same call is made again and again until its result is there; the loop guard lets it."""
    is_offered: Callable[[], bool] | None
    """Whether the site is set up for it, asked at each request to a model; None: always."""
    needs_files: bool
    """True: models are offered it only in runs with files."""
    needs_skills: bool
    """True: models are offered it only in runs with skills."""
    needs_person: bool
    """True: models are offered it only in runs that can ask a person."""
    setup_note: Callable[[], str] | None
    """Adds to its description how the site is set up for it now."""
    concurrency: int | None
    """The most of its calls at once in this process: further ones wait, then fail as `ToolUnavailable`."""
    rate: int | None
    """The most of its calls in a minute in this process: further ones wait, then fail as `ToolUnavailable`."""


class FunctionTool:
    """A function with the members of the `Tool` protocol, and its options. Sync functions run in a thread."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        parameters: JsonObject | None = None,
        effect: Effect = "unsafe",
        timeout_s: float | None = None,
        retry: "RetryPolicy | None" = None,
        approval: Approval | None = None,
        makes_calls: bool = False,
        polls: bool = False,
        is_offered: Callable[[], bool] | None = None,
        needs_files: bool = False,
        needs_skills: bool = False,
        needs_person: bool = False,
        setup_note: Callable[[], str] | None = None,
        concurrency: int | None = None,
        rate: int | None = None,
        is_checked: bool = False,
    ) -> None:
        """Without `parameters` the schema comes from the signature. `is_checked`: `parameters` were checked before, and
        are compiled at the first call. Raises `TypeError` or `ValueError` with the fault."""
        _check_rules(effect, timeout_s, retry, approval, makes_calls=makes_calls, polls=polls)
        self.function = function
        self.name = name or function.__name__
        self.effect = effect
        self.timeout_s, self.retry, self.approval = timeout_s, retry, approval
        self.makes_calls, self.polls = makes_calls, polls
        self.is_offered, self._setup_note = is_offered, setup_note
        self.needs_files, self.needs_skills, self.needs_person = needs_files, needs_skills, needs_person
        self.call_limits = CallLimits(self.name, concurrency=concurrency, rate=rate)
        if parameters is None:
            signature = read_signature(function, name=self.name)
            self._parameters, self.validate_arguments = signature.parameters, signature.validate
            self._description = description or signature.description
        else:
            self._parameters = parameters
            validator = late_validator if is_checked else schema_validator
            self.validate_arguments = validator(parameters, name=self.name)
            self._description = description or inspect.getdoc(function) or self.name
        self._is_async = inspect.iscoroutinefunction(function)

    @property
    def description(self) -> str:
        """What models and people read, with the note about how the site is set up for it now."""
        note = self._setup_note() if self._setup_note else ""
        return f"{self._description}\n\n{note}" if note else self._description

    @description.setter
    def description(self, text: str) -> None:
        self._description = text

    async def execute(self, /, **kwargs: Any) -> Any:
        """Call the function, and return what it returns."""
        if self._is_async:
            return await self.function(**kwargs)
        result = await call_in_thread(self.function, **kwargs)
        # A sync wrapper around an async function, such as a decorator, returns an awaitable.
        return await result if inspect.isawaitable(result) else result

    def get_schema(self) -> JsonObject:
        """The JSON Schema of the arguments."""
        return self._parameters

    @property
    def source(self) -> str:
        """What it comes from: the module of the function."""
        module: str = self.function.__module__
        return module

    @property
    def place(self) -> str:
        """The file and line of the function."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else self.function.__module__

    def __repr__(self) -> str:
        return f"<tool {self.name!r} from {self.place}>"


def _check_rules(
    effect: Effect,
    timeout_s: float | None,
    retry: "RetryPolicy | None",
    approval: Approval | None,
    *,
    makes_calls: bool,
    polls: bool,
) -> None:
    """Raise `ValueError` for an invalid rule, or two that contradict each other."""
    if effect not in EFFECTS:
        raise ValueError(f"The effect of a tool is one of {', '.join(EFFECTS)}, not {effect!r}.")
    if approval is not None and approval not in APPROVALS:
        raise ValueError(f"The approval of a tool is one of {', '.join(APPROVALS)}, not {approval!r}.")
    if timeout_s is not None and not timeout_s > 0:
        raise ValueError(f"timeout_s must be more than 0, not {timeout_s!r}.")
    if retry is not None and effect == "unsafe":
        raise ValueError("An unsafe tool is never retried. If a repeated call does no harm, declare another effect.")
    if makes_calls and (effect != "pure" or retry is not None):
        raise ValueError("A tool that makes calls starts again after each approval: it is pure, and has no retries.")
    if polls and effect not in REPEATABLE:
        raise ValueError(f"A tool that polls does the same again and again: it is pure or reads, and not {effect}.")
