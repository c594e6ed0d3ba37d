"""An OpenAPI document from its bytes or its address, read in a sandboxed process."""

import json
from dataclasses import dataclass
from typing import Any, Final

from runs.agent.errors import openapi_sentences as sentences
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.sandbox.job import run_job
from runs.agent.sandbox.limits import MIB, JobLimits
from runs.agent.tools.web.download import MAX_BODY_BYTES
from runs.agent.tools.web.host_rules import HostRules, fetch_rules
from runs.agent.tools.web.http_hosts import http_hosts

JOB: Final = "runs.agent.tools.openapi.document_job"
MAX_DOCUMENT_BYTES: Final = MAX_BODY_BYTES
LIMITS: Final = JobLimits(cpu_s=15, wall_s=30.0, memory_bytes=1024 * MIB, answer_bytes=32 * MIB)


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """What a document says of its API. All of it was written by others."""

    title: str
    version: str
    revision: str
    """Of OpenAPI."""
    servers: list[str]
    """Addresses of the API, with each value of their variables; relative ones if nobody knows where it was from."""
    schemes: list[JsonObject]
    """How credentials are sent, each with the name of its `scheme`."""
    operations: list[JsonObject]
    """`remote_name`, `description`, `method`, `schema`, `request` and `fault` of each."""
    left_out: int
    """Operations above the limit."""


async def fetched_document(url: str) -> tuple[bytes, str]:
    """The bytes at the address, and the address after redirects: of the public internet, or of a host that the settings
    name. Raises `ToolFailed`."""
    # Here: the HTTP client takes a tenth of a second.
    from runs.agent.tools.web.download import download
    from runs.agent.tools.web.page import check_status

    named = {(each.host, each.port) for each in http_hosts()}
    found = await download(url, HostRules(fetch_rules().named | named))
    check_status(found)
    if found.is_cut:
        raise ToolFailed(sentences.TOO_LARGE.made(most=MAX_DOCUMENT_BYTES // MIB))
    return found.body, found.url


async def read_document(content: bytes, *, url: str = "", prefix: str = "") -> ApiDocument:
    """The document in the bytes, with the operations whose paths begin with `prefix`. Raises `ToolFailed` with what is
    wrong, also for one that takes too long to read."""
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ToolFailed(sentences.TOO_LARGE.made(most=MAX_DOCUMENT_BYTES // MIB))
    request = json.dumps({"url": url, "prefix": prefix}).encode() + b"\n" + content
    answer: dict[str, Any] = json.loads(await run_job(JOB, request, limits=LIMITS))
    return ApiDocument(**answer)
