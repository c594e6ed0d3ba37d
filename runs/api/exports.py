"""Exports of a run as a file. Texts of tools and models stay text: never HTML, a link or an image."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, Literal

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.kinds import read_payload
from runs.agent.payloads.notes import UnfinishedPayload
from runs.agent.unfinished_thought import why_unfinished
from runs.api.long_responses import LongResponses, let_go_of_connection
from runs.api.serializers import message_as_json
from runs.api.step_pages import steps_of
from runs.live.sockets.hub import read_slowly
from runs.models import Run, RunMessage
from runs.models.as_json import StepJson, run_as_json

Format = Literal["json", "jsonl", "markdown"]
_TYPES: dict[Format, tuple[str, str]] = {
    "json": ("application/json", "json"),
    "jsonl": ("application/jsonl", "jsonl"),
    "markdown": ("text/markdown; charset=utf-8", "md"),
}


SMALL_BYTES: Final = 64 * 1024
"""A shorter export is built at once, and has a `Content-Length`."""
PIECE_BYTES: Final = 32 * 1024

OPEN_EXPORTS = LongResponses("exports", lambda: settings.AGENTSITE_MAX_EXPORTS_PER_USER)


def export(run: Run, style: Format, *, user_id: int) -> HttpResponseBase:
    """The run with its current steps and the messages it has not read (those it has are steps), as an attachment. A
    long one is streamed at the client's speed.

    Steps that are recorded meanwhile are left out. If the run is deleted meanwhile, the response is aborted, so that
    the client sees an incomplete transfer. Raises `ApiError` 429 if the user has too many exports open.
    """
    content_type, ending = _TYPES[style]
    unread = run.messages.queued().select_related("run", "user")[: RunMessage.MAX_QUEUED]
    about = run_as_json(run) | {"unread_messages": [message_as_json(message) for message in unread]}
    parts = _PARTS[style](about, steps_of(run))
    beginning, is_whole = _take(parts, SMALL_BYTES)
    response: HttpResponseBase
    if is_whole:
        response = HttpResponse(beginning)
    else:
        response = StreamingHttpResponse(_rest(beginning, parts, OPEN_EXPORTS.let_in(user_id)))
        let_go_of_connection()
    response["Content-Type"] = content_type
    response["Content-Disposition"] = f'attachment; filename="run-{run.pk}.{ending}"'
    # A browser that opens it all the same does not render it as a page.
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _rest(beginning: bytes, parts: Iterator[str], place: object) -> AsyncIterator[bytes]:
    with OPEN_EXPORTS.taking(place):
        async for piece in read_slowly(_pieces(beginning, parts)):
            yield piece


def _pieces(beginning: bytes, parts: Iterator[str]) -> Iterator[bytes]:
    """The beginning and the parts after it in pieces of at most `PIECE_BYTES`, so that one huge step is not written to
    the connection at once."""
    taken, is_whole = beginning, False
    while True:
        yield from (taken[start : start + PIECE_BYTES] for start in range(0, len(taken), PIECE_BYTES))
        if is_whole:
            return
        taken, is_whole = _take(parts, PIECE_BYTES)


def _take(parts: Iterator[str], least: int) -> tuple[bytes, bool]:
    """The next parts, encoded, until they have `least` characters; and whether there are no more."""
    taken: list[str] = []
    size = 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size >= least:
            return "".join(taken).encode(errors="replace"), False
    return "".join(taken).encode(errors="replace"), True


def _json(about: JsonObject, steps: Iterator[StepJson]) -> Iterator[str]:
    yield f'{{\n  "run": {_indented(about, 1)},\n  "steps": ['
    between = ""
    for step in steps:
        yield f"{between}\n    {_indented(step, 2)}"
        between = ","
    yield "\n  ]\n}" if between else "]\n}"


def _indented(value: Any, depth: int) -> str:
    """The value as part of JSON indented by two spaces. JSON strings contain no line breaks."""
    return json.dumps(value, indent=2).replace("\n", "\n" + "  " * depth)


def _jsonl(about: JsonObject, steps: Iterator[StepJson]) -> Iterator[str]:
    for step in steps:
        yield f"{json.dumps(step)}\n"
    yield f"{json.dumps(about)}\n"


def _markdown(about: JsonObject, steps: Iterator[StepJson]) -> Iterator[str]:
    yield "\n\n".join(_head(about))
    for step in steps:
        yield "\n\n" + "\n\n".join(_step(step))
    for message in about["unread_messages"]:
        yield f"\n\n## Message that was not read\n\n{_by(message)}\n\n{_fenced(message['text'])}"
    if about["error"]:
        yield f"\n\n## Error\n\n{_fenced(json.dumps(about['error'], indent=2), 'json')}"
    yield "\n"


_PARTS: dict[Format, Callable[[JsonObject, Iterator[StepJson]], Iterator[str]]] = {
    "json": _json,
    "jsonl": _jsonl,
    "markdown": _markdown,
}


def _head(run: JsonObject) -> Iterator[str]:
    yield f"# Run {run['id']}"
    facts = ("status", "agent", "version", "steps_taken", "tokens_used", "cost", "created_at", "started_at", "ended_at")
    known = [f"- {name}: {_inline(_fact(run, name))}" for name in facts if run[name] is not None]
    if run["draft"]:
        known.insert(2, f"- draft, based on version: {run['draft']['based_on'] or 'none'}")
    if run["could_not"]:
        known.insert(1, f"- {Run.COULD_NOT.lower()}: the answer says so")
    yield "\n".join(known)
    yield "## Task"
    yield _fenced(run["task"])


def _by(message: JsonObject) -> str:
    sender = "The command line" if message["sent_by"] is None else _inline(message["sent_by"])
    return f"{sender}, {message['created_at']}:"


def _step(step: StepJson) -> Iterator[str]:
    name = f" {_inline(step['tool_name'])}" if step["tool_name"] else ""
    payload = read_payload(step["kind"], step["metadata"])
    why = why_unfinished(payload)
    kind = step["kind"].replace("_", " ") if why is None else f"unfinished reply ({why})"
    yield f"## {step['sequence']}. {kind}{name}"
    if isinstance(payload, UnfinishedPayload) and why is not None and payload.reasoning not in ("", step["content"]):
        yield "Reasoning:"
        yield _fenced(payload.reasoning)
        yield "Reply, as far as it came:"
    if step["content"]:
        yield _fenced(step["content"])
    if step["tool_input"] is not None:
        yield _fenced(json.dumps(step["tool_input"], indent=2), "json")


def _fact(run: JsonObject, name: str) -> Any:
    """The value; estimated tokens get "≈"."""
    return f"≈{run[name]}" if name == "tokens_used" and run["usage_is_estimated"] else run[name]


def _inline(value: Any) -> str:
    """A short value in backticks, more of them than it contains."""
    text = " ".join(str(value).split())
    ticks = _longer_than_any(text, 1)
    return f"{ticks} {text} {ticks}" if "`" in text else f"{ticks}{text}{ticks}"


def _fenced(text: str, language: str = "text") -> str:
    """A fenced code block that no line of `text` can close."""
    fence = _longer_than_any(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def _longer_than_any(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
