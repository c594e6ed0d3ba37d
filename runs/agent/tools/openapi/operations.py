"""The operations of a document, each as a tool: its name, what models read of it, and how its request is made."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.argument_names import ArgumentNames
from runs.agent.tools.openapi.operation_parts import OperationPart, PartReader
from runs.agent.tools.openapi.references import References, UnusableOperation
from runs.agent.tools.openapi.schema_conversion import SchemaConversion
from runs.agent.tools.openapi.servers import server_urls

METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
READS: Final = ("get", "head", "options")
MOST_OPERATIONS: Final = 500
MAX_REMOTE_NAME: Final = 200
MAX_DESCRIPTION_CHARS: Final = 16_000
MAX_SCHEMA_CHARS: Final = 48_000
MAX_PATH_CHARS: Final = 1_000


class OperationReader:
    """Reads the operations of one document."""

    def __init__(self, document: JsonObject, *, is_3_0: bool, document_url: str) -> None:
        components = document.get("components")
        schemes = components.get("securitySchemes") if isinstance(components, dict) else None
        self._document = document
        self._url = document_url
        self._references = References(document)
        self._schemas = SchemaConversion(self._references, is_3_0=is_3_0)
        self._parts = PartReader(self._references, self._schemas, schemes if isinstance(schemes, dict) else {})

    def operations(self, prefix: str = "") -> tuple[list[JsonObject], int]:
        """The operations of paths that begin with `prefix`, and how many above the limit are left out."""
        found = list(self._raw_operations())
        ids = Counter(each[-1]["operationId"] for each in found if _is_name(each[-1].get("operationId")))
        raw = [each for each in found if each[1].startswith(prefix)]
        kept = raw[:MOST_OPERATIONS]
        return [self._operation(*each, ids) for each in kept], len(raw) - len(kept)

    def _raw_operations(self) -> Iterator[tuple[str, str, JsonObject, JsonObject]]:
        """Method, path, path item and operation."""
        paths = self._document.get("paths")
        for path, raw in paths.items() if isinstance(paths, dict) else ():
            if not path.startswith("/"):
                continue
            try:
                item = self._references.resolved(raw)
            except UnusableOperation:
                continue
            for method in METHODS:
                if isinstance(operation := item.get(method), dict):
                    yield method, path, item, operation

    def _operation(
        self, method: str, path: str, item: JsonObject, operation: JsonObject, ids: "Counter[Any]"
    ) -> JsonObject:
        made = {
            "remote_name": _remote_name(method, path, operation.get("operationId"), ids),
            "description": _description(method, path, item, operation),
            "method": method.upper(),
            "schema": {"type": "object"},
            "request": {},
            "fault": "",
        }
        try:
            return made | self._request(method, path, item, operation)
        except UnusableOperation as unusable:
            return made | {"fault": str(unusable)}

    def _request(self, method: str, path: str, item: JsonObject, operation: JsonObject) -> JsonObject:
        names = ArgumentNames()
        parameters = self._parts.parameters(item, operation, names)
        body = self._parts.body(operation, names)
        _check_path(path, parameters)
        request: JsonObject = {
            "method": method.upper(),
            "path": path,
            "parameters": [each.request for each in parameters],
        }
        if body is not None:
            request["body"] = body.request
        if security := self._parts.security(operation, self._document.get("security")):
            request["security"] = security
        if servers := operation.get("servers") or item.get("servers"):
            request["server"] = next(iter(server_urls(servers, self._url)), "")
        return {"schema": self._schema([*parameters, *([body] if body else [])]), "request": request}

    def _schema(self, parts: list[OperationPart]) -> JsonObject:
        schema: JsonObject = {
            "type": "object",
            "properties": {part.argument: part.schema for part in parts},
            "required": [part.argument for part in parts if part.required],
            "additionalProperties": False,
        }
        if definitions := self._schemas.definitions({each for part in parts for each in part.references}):
            schema["$defs"] = definitions
        length = len(json.dumps(schema))
        if length > MAX_SCHEMA_CHARS:
            raise UnusableOperation(
                f"The schema of its arguments has {length:,} characters, more than {MAX_SCHEMA_CHARS:,}."
            )
        return schema


def _is_name(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_REMOTE_NAME and text.isprintable()


def _remote_name(method: str, path: str, operation_id: Any, ids: "Counter[Any]") -> str:
    """The operation's id if it is one of its own, else method and path; cut, with a hash, if that is too long."""
    if _is_name(operation_id) and ids[operation_id] == 1:
        return str(operation_id)
    name = f"{method.upper()} {path}"
    if _is_name(name):
        return name
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
    return "".join(each if each.isprintable() else "_" for each in name[: MAX_REMOTE_NAME - 9]) + f" {digest}"


def _description(method: str, path: str, item: JsonObject, operation: JsonObject) -> str:
    """Summary, description, and the line of the request. The rest of a text that is too long is left out."""
    texts = [operation.get(key) or item.get(key) for key in ("summary", "description")]
    parts = list(dict.fromkeys(each.strip() for each in texts if isinstance(each, str) and each.strip()))
    if operation.get("deprecated") is True:
        parts.append("Deprecated.")
    end = f"{method.upper()} {path[:MAX_PATH_CHARS]}"
    text = "\n\n".join(parts)
    return "\n\n".join(each for each in (text[: MAX_DESCRIPTION_CHARS - len(end) - 2], end) if each)


def _check_path(path: str, parameters: list[OperationPart]) -> None:
    """Raise `UnusableOperation` unless each name in braces is a parameter of the path."""
    if len(path) > MAX_PATH_CHARS or not path.isprintable() or any(sign in path for sign in "?#\\"):
        raise UnusableOperation("Its path is not one that an address can have.")
    known = {each.request["name"] for each in parameters if each.request["in"] == "path"}
    named = {part.partition("}")[0] for part in path.split("{")[1:]}
    if missing := sorted(named - known):
        raise UnusableOperation(f"Its path has {{{missing[0][:80]}}}, which is none of its parameters.")
    if unused := sorted(known - named):
        raise UnusableOperation(f"Its parameter {unused[0][:80]!r} is not in its path.")
