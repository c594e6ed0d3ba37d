"""JSON Schema and validation of a tool's arguments, from the function's signature and docstring."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, get_type_hints

import pydantic
import pydantic_core
import typing_extensions

from runs.agent.errors.argument_sentences import REQUIRED
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.tools.validation import Fault, Validate, checked, not_known, shortened

if TYPE_CHECKING:
    import griffe


@dataclass(frozen=True, slots=True)
class ToolSignature:
    """The description and the arguments of a function."""

    description: str
    parameters: JsonObject
    """JSON Schema of the arguments: an object without additional properties."""
    validate: Validate


class _Docstring(TypedDict):
    text: str
    arguments: dict[str, str]


def read_signature(function: Callable[..., Any], *, name: str) -> ToolSignature:
    """Read a typed function. Raises `TypeError`, naming the function, if its arguments cannot be described by a
    schema."""
    docstring = _read_docstring(inspect.getdoc(function) or "")
    types = _argument_types(function)
    adapter = _arguments_adapter(function, types)
    schema = adapter.json_schema()
    schema.pop("title", None)
    for argument, parameter in types.items():
        _describe(schema["properties"][argument], parameter, docstring["arguments"].get(argument))

    def validate(arguments: JsonMapping) -> JsonObject:
        try:
            # A dict: the validator accepts no other mapping.
            return dict(adapter.validator.validate_python(dict(arguments)))
        except pydantic.ValidationError as error:
            raise checked(name, [_fault(detail, types) for detail in error.errors(include_url=False)]) from error

    schema.setdefault("properties", {})
    return ToolSignature(docstring["text"] or name.replace("_", " "), schema, validate)


def _argument_types(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters by name, each annotation resolved."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"{function.__qualname__}: a type of its signature cannot be found: {error}.") from error
    parameters: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__qualname__}: a tool's arguments have names, unlike {str(parameter)!r}.")
        if parameter.name not in hints:
            raise TypeError(f"{function.__qualname__}: the argument {parameter.name!r} needs a type.")
        parameters[parameter.name] = parameter.replace(annotation=hints[parameter.name])
    return parameters


def _arguments_adapter(
    function: Callable[..., Any], types: Mapping[str, inspect.Parameter]
) -> pydantic.TypeAdapter[JsonObject]:
    # A TypedDict rather than a model: an argument may be named `json` or `copy`, and a missing argument stays missing,
    # # so that the function's own default applies.
    fields: JsonObject = {}
    for argument, parameter in types.items():
        required = parameter.default is parameter.empty
        fields[argument] = parameter.annotation if required else typing_extensions.NotRequired[parameter.annotation]
    make_typed_dict: Any = typing_extensions.TypedDict  # mypy supports only the class statement
    arguments_type = make_typed_dict(f"{function.__name__}_arguments", fields)
    arguments_type.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")
    try:
        return pydantic.TypeAdapter(arguments_type)
    except pydantic.errors.PydanticSchemaGenerationError as error:
        raise TypeError(f"{function.__qualname__}: no JSON Schema for its arguments: {error.message}") from error


def _describe(schema: JsonObject, parameter: inspect.Parameter, description: str | None) -> None:
    schema.pop("title", None)
    if description:
        schema.setdefault("description", description)
    if parameter.default is not parameter.empty:
        schema.setdefault("default", pydantic_core.to_jsonable_python(parameter.default, fallback=repr))


def _read_docstring(docstring: str) -> _Docstring:
    """The text for the model, and the arguments' descriptions (Google, Numpy or Sphinx style)."""
    if "\n\n" not in docstring and ":param" not in docstring:
        return {"text": docstring, "arguments": {}}
    import griffe  # 90 ms, and most docstrings are one line

    sections = griffe.parse(griffe.Docstring(docstring), _style_of(docstring), warnings=False)
    texts = [section.value for section in sections if section.kind is griffe.DocstringSectionKind.text]
    described = [section.value for section in sections if section.kind is griffe.DocstringSectionKind.parameters]
    return {
        "text": "\n\n".join(texts),
        "arguments": {argument.name: " ".join(argument.description.split()) for part in described for argument in part},
    }


def _style_of(docstring: str) -> "griffe.DocstringStyle":
    # griffe's own detection reads a docstring with a single `:param` as plain text.
    if re.search(r"^\s*:param\b", docstring, re.MULTILINE):
        return "sphinx"
    return "numpy" if re.search(r"^\s*Parameters\n\s*-{3,}", docstring, re.MULTILINE) else "google"


def _fault(detail: pydantic_core.ErrorDetails, known: Iterable[str]) -> Fault:
    path = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "missing":
            return Fault(path, REQUIRED.made())
        case "extra_forbidden" if len(detail["loc"]) == 1:
            return Fault(path, not_known(known))
        case _:
            return Fault(path, f"{detail['msg']}, not {shortened(detail['input'])}")
