"""JMESPath expressions: checked when they are saved, and evaluated for each delivery, in a sandboxed process."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import as_storable_json
from runs.agent.sandbox.job import JobFailed, run_job
from runs.agent.sandbox.limits import MIB, JobLimits
from runs.agent.task_templates.inputs import InputType, TemplateInput
from runs.agent.wording import Wording
from runs.engine.triggers.mapping_limits import MAX_CHARS, MAX_RESULT_BYTES

JOB: Final = "runs.engine.triggers.mapping_job"
LIMITS: Final = JobLimits(cpu_s=3, wall_s=8.0, memory_bytes=512 * MIB, answer_bytes=2 * MIB)
FILTER: Final = "filter"


class MappingBusy(Exception):
    """No process was free to evaluate the expressions: the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the expressions of a trigger make of a payload."""

    is_wanted: bool
    """False if the filter is not true."""
    values: JsonObject = field(default_factory=dict)
    """By input. An input whose expression gave null has none."""
    faults: dict[str, Wording] = field(default_factory=dict)
    """By input; that of the filter under `FILTER`."""


async def expression_faults(expressions: Mapping[str, str]) -> dict[str, Wording]:
    """What is wrong with expressions, by their names. Raises `MappingBusy`."""
    told = await _told(list(expressions.values()), {})
    return {name: words for name, each in zip(expressions, told, strict=True) if (words := fault_words(each))}


async def mapped(
    filter_text: str, expressions: Mapping[str, str], inputs: Sequence[TemplateInput], root: Any
) -> Mapped:
    """What the filter and the expressions of inputs make of `root`. An empty filter wants everything, an empty
    expression leaves its input out. Raises `MappingBusy`."""
    asked = {name: text for name, text in expressions.items() if text.strip()}
    texts = [*([filter_text] if filter_text.strip() else []), *asked.values()]
    if not texts:
        return Mapped(is_wanted=True)
    told = await _told(texts, {"root": root})
    if filter_text.strip():
        first, *told = told
        if (words := fault_words(first)) is not None:
            return Mapped(is_wanted=False, faults={FILTER: words})
        if is_false(first):
            return Mapped(is_wanted=False)
    types = {each.name: each.type for each in inputs}
    found = Mapped(is_wanted=True)
    for name, each in zip(asked, told, strict=True):
        if (words := fault_words(each)) is not None:
            found.faults[name] = words
        elif each["value"] is not None:
            found.values[name] = as_input(each["value"], types.get(name, InputType.LONG_TEXT))
    return found


def is_false(told: JsonObject) -> bool:
    """True for what JMESPath takes as false: false, null, and an empty text, list or object. Zero is true."""
    value = told["value"]
    return value is None or value is False or value == "" or told.get("is_empty") is True


def as_input(value: Any, kind: InputType) -> Any:
    """The value for an input of this type: a text takes numbers, true and false as JSON has them. Lists and objects are
    texts already."""
    if isinstance(value, str) or kind in (InputType.NUMBER, InputType.FILE, InputType.DATE):
        return value
    return json.dumps(value)


def fault_words(told: JsonObject) -> Wording | None:
    """What is wrong, of the answer for one expression; None for a value."""
    if "value" in told:
        return None
    kind, detail = str(told.get("fault", "")), str(told.get("detail", ""))
    words = _PLAIN.get(kind)
    if words is not None:
        return words
    match kind:
        case "syntax":
            words = Wording("Character %(at)s is not expected here.", at=str(told["at"]))
        case "type":
            values = {name: str(told[name]) for name in ("name", "taken", "given")}
            words = Wording("The function %(name)s takes %(taken)s here, not %(given)s.", **values)
        case "unknown_function":
            words = Wording("There is no function %(name)s.", name=detail)
        case "arity":
            words = Wording("The function %(name)s takes another number of arguments.", name=detail)
        case _:
            words = Wording("It cannot be evaluated: %(why)s.", why=detail)
    return words


_PLAIN: Final = {
    "incomplete": Wording("It ends too early."),
    "empty": Wording("It is empty."),
    "deep": Wording("It is nested too deeply, or too long."),
    "large": Wording("What it makes is larger than %(most)s KiB.", most=MAX_RESULT_BYTES // 1024),
    "long": Wording("An expression has at most %(most)s characters.", most=MAX_CHARS),
    "slow": Wording("It takes too long with this payload."),
    "no_value": Wording("What it makes is no value."),
}


async def _told(texts: list[str], more: JsonObject) -> list[JsonObject]:
    request = json.dumps({"expressions": texts, **more}).encode()
    try:
        answer = await run_job(JOB, request, limits=LIMITS, is_forked=True)
    except ToolUnavailable as error:
        raise MappingBusy from error
    except JobFailed:
        # Killed at a limit of the whole job: each expression has its own, and the last of them was under way.
        return [{"fault": "slow"}] * len(texts)
    told: list[JsonObject] = as_storable_json(json.loads(answer))
    return told
