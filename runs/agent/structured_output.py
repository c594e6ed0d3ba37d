"""Structured output: the schema of an answer, its parsing and validation."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import pydantic

from runs.agent.errors.argument_sentences import MORE_FAULTS
from runs.agent.errors.exceptions import BadOutput
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import plain_json
from runs.agent.json_data.lenient_json import read_fenced, read_json
from runs.agent.json_data.schema_keywords import TooMuchToCheck
from runs.agent.json_data.schema_validation import SchemaCheck
from runs.agent.tools.worker_threads import call_in_thread

T = TypeVar("T")

MAX_REASKS = 2
"""How often the model is asked to correct an answer that does not fit. Each correction is a turn."""

MAX_FAULTS = 20
"""Limit of the reported faults: a list of 10,000 wrong elements must not fill the model's context."""

MAX_CHARS_AT_ONCE = 8 * 1024
"""Length limit of an answer that is checked on the event loop, which takes about 20 ms."""

_FENCE = "```"


class OutputSchema(Generic[T]):
    """The schema of an answer: a pydantic model, any type pydantic can adapt, or a JSON Schema (Draft 2020-12).

    Raises `ValueError` for an invalid JSON Schema, `TypeError` for a type that pydantic does not support.
    """

    def __init__(self, output: Any) -> None:
        self.schema: JsonObject
        self._adapter: pydantic.TypeAdapter[T] | None = None
        if isinstance(output, Mapping):
            self.schema = dict(output)
            self._check = SchemaCheck(self.schema)
            return
        try:
            self._adapter = pydantic.TypeAdapter(output)
            self.schema = self._adapter.json_schema()
        except pydantic.errors.PydanticUserError as error:
            raise TypeError(f"{output!r} cannot be an output: {error.message}") from error

    def read(self, text: str, *, is_whole: bool = False) -> T:
        """The validated data of an answer. A code block or words around it are removed, and unambiguous JSON errors are
        tolerated; with `is_whole`, for a reply that was not cut off, also missing closers at its end.

        Raises `BadOutput` with all faults, up to `MAX_FAULTS`.
        """
        candidates = _candidates(text, is_whole=is_whole)
        if len(candidates) == 1:
            return self._read_or_unwrap(candidates[0])
        fitting = [each for each in candidates if self._fits(each)]
        if len(fitting) != 1:
            raise BadOutput([f"The answer is not JSON alone: it holds {len(candidates)} JSON values."])
        return self._checked(fitting[0])

    async def read_beside(self, text: str, *, is_whole: bool = False) -> T:
        """As `read`; a long text is read in a thread, so that the event loop is not blocked."""
        if len(text) <= MAX_CHARS_AT_ONCE:
            return self.read(text, is_whole=is_whole)
        return cast(T, await call_in_thread(self.read, text=text, is_whole=is_whole))

    def _read_or_unwrap(self, data: Any) -> T:
        """The validated data. A string that does not fit is parsed as JSON, and the result used if it fits."""
        if isinstance(data, str) and not self._fits(data):
            with suppress(ValueError):
                inner = plain_json(read_json(data, adds_closers=False))
                if self._fits(inner):
                    return self._checked(inner)
        return self._checked(data)

    def _fits(self, data: Any) -> bool:
        try:
            self._checked(data)
        except BadOutput:
            return False
        return True

    def _checked(self, data: Any) -> T:
        if self._adapter is None:
            if faults := self._faults(data):
                raise BadOutput(_at_most(faults))
            return data  # type: ignore[no-any-return]  # a JSON Schema has no type for the type checker
        try:
            # As JSON, so that a date may be a string and a tuple a list.
            return self._adapter.validate_json(json.dumps(data))
        except pydantic.ValidationError as error:
            faults = [_fault(each["loc"], each["msg"]) for each in error.errors(include_url=False, include_input=False)]
            raise BadOutput(_at_most(faults)) from error

    def _faults(self, data: Any) -> list[str]:
        try:
            return [_fault(error.absolute_path, error.message) for error in self._check.faults(data)]
        except TooMuchToCheck as error:
            return [str(error)]

    def as_json(self, value: T) -> Any:
        """The data as JSON values, to be stored."""
        return value if self._adapter is None else self._adapter.dump_python(value, mode="json")


def says_not_done(data: object) -> bool:
    """True for structured output that says the task could not be done: an object with `"done": false`."""
    return isinstance(data, Mapping) and data.get("done") is False


def schema_fault(schema: object) -> str | None:
    """Why this cannot be used as a JSON Schema, or None."""
    if not isinstance(schema, Mapping):
        return 'A JSON Schema is an object, such as {"type": "object"}.'
    try:
        SchemaCheck(schema)
    except ValueError as error:
        return str(error)
    return None


def _candidates(text: str, *, is_whole: bool) -> list[Any]:
    """The candidates for the answer's JSON, at least one: the whole text, or each code block in it."""
    try:
        if _FENCE in text and not text.lstrip().startswith(("{", "[", '"')):
            # The text consists of code blocks with words around them; the answer is in a block.
            values = read_fenced(text)
            if values:
                return [plain_json(value) for value in values]
        return [plain_json(read_json(text, adds_closers=is_whole))]
    except ValueError as fault:
        raise BadOutput([f"The answer is not JSON alone: {fault}"]) from fault


def _fault(path: Sequence[Any], message: str) -> str:
    where = ".".join(str(part) for part in path) or "the answer"
    return f"{where}: {message if len(message) <= 400 else message[:400] + '…'}"


def _at_most(faults: list[str]) -> list[str]:
    more = len(faults) - MAX_FAULTS
    return faults if more <= 0 else [*faults[:MAX_FAULTS], MORE_FAULTS.made(count=more)]
