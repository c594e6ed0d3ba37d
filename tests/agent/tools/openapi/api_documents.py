"""OpenAPI documents for tests, and their operations."""

import json
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.document import ApiDocument, read_document


def document(paths: Any, *, revision: str = "3.1.0", **more: Any) -> JsonObject:
    """A document with these paths."""
    return {"openapi": revision, "info": {"title": "Pets", "version": "1"}, "paths": paths, **more}


async def read(paths: Any, **more: Any) -> ApiDocument:
    """The document with these paths, read."""
    return await read_document(json.dumps(document(paths, **more)).encode())


async def read_operation(operation: JsonObject, path: str = "/pets", method: str = "get", **more: Any) -> JsonObject:
    """The only operation of a document, read."""
    (read_one,) = (await read({path: {method: operation}}, **more)).operations
    return read_one


def parameter(name: str = "p", place: str = "query", **more: Any) -> JsonObject:
    """A parameter that takes anything."""
    return {"name": name, "in": place, "schema": {}, **more} | ({"required": True} if place == "path" else {})
