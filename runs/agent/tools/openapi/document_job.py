"""The job that reads an OpenAPI document: one line of JSON (`url`, `prefix`), then the document."""

import json
from typing import Any, Final

from runs.agent.errors import openapi_sentences as sentences
from runs.agent.json_data.json_values import as_storable_json
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.openapi.document_text_job import parsed_document
from runs.agent.tools.openapi.operation_parts import scheme_of
from runs.agent.tools.openapi.operations import OperationReader
from runs.agent.tools.openapi.references import References, UnusableOperation
from runs.agent.tools.openapi.servers import server_urls

MOST_SCHEMES: Final = 30
_CHARS: Final = 200


def run(request: bytes) -> bytes:
    """Title, version, revision of OpenAPI, addresses, security schemes and operations, as JSON. Raises `JobRefused`."""
    head, _, content = request.partition(b"\n")
    asked = json.loads(head)
    document = parsed_document(content)
    revision = _revision(document)
    reader = OperationReader(document, is_3_0=revision.startswith("3.0"), document_url=asked["url"])
    operations, left_out = reader.operations(asked["prefix"])
    if not operations:
        raise JobRefused((sentences.NONE_AT_PREFIX if asked["prefix"] else sentences.NO_OPERATIONS).made())
    about = document.get("info") if isinstance(document.get("info"), dict) else {}
    answer = {
        "title": str(about.get("title", ""))[:_CHARS],
        "version": str(about.get("version", ""))[:_CHARS],
        "revision": revision,
        "servers": server_urls(document.get("servers"), asked["url"]),
        "schemes": _schemes(document),
        "operations": operations,
        "left_out": left_out,
    }
    return json.dumps(as_storable_json(answer)).encode()


def _revision(document: Any) -> str:
    if not isinstance(document, dict):
        raise JobRefused(sentences.NOT_OPENAPI.made())
    revision = document.get("openapi")
    if isinstance(revision, str) and revision.startswith(("3.0", "3.1")):
        return revision[:20]
    if "swagger" in document:
        raise JobRefused(sentences.SWAGGER.made())
    if revision is None:
        raise JobRefused(sentences.NOT_OPENAPI.made())
    raise JobRefused(sentences.OTHER_REVISION.made(revision=str(revision)[:20]))


def _schemes(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The security schemes that can be used."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    found = []
    for name, raw in schemes.items() if isinstance(schemes, dict) else ():
        try:
            scheme = scheme_of(References(document).resolved(raw))
        except UnusableOperation:
            continue
        if scheme is not None and len(name) <= _CHARS:
            found.append({"scheme": name, **scheme})
    return found[:MOST_SCHEMES]
