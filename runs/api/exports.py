"""A run as a file. Whatever its tools and models said stays text: nothing in it is ever HTML, a link or an image."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from django.http import HttpResponse

from runs.agent.unfinished import why_unfinished
from runs.models import Run
from runs.models.as_json import run_as_json, step_as_json

Format = Literal["json", "jsonl", "markdown"]
_TYPES: dict[Format, tuple[str, str]] = {
    "json": ("application/json", "json"),
    "jsonl": ("application/jsonl", "jsonl"),
    "markdown": ("text/markdown; charset=utf-8", "md"),
}


def export(run: Run, style: Format) -> HttpResponse:
    """The run and its steps as an attachment."""
    content_type, ending = _TYPES[style]
    steps = [step_as_json(step) for step in run.steps.order_by("sequence").defer("replay", "html").iterator(500)]
    about = run_as_json(run)
    if style == "json":
        text = json.dumps({"run": about, "steps": steps}, indent=2)
    elif style == "jsonl":
        text = "".join(f"{json.dumps(each)}\n" for each in [*steps, about])
    else:
        text = "\n\n".join(_markdown(about, steps)) + "\n"
    return HttpResponse(
        text.encode(errors="replace"),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="run-{run.pk}.{ending}"',
            # Opened by a browser all the same, it is no page.
            "X-Content-Type-Options": "nosniff",
        },
    )


def _markdown(run: dict[str, Any], steps: list[dict[str, Any]]) -> Iterator[str]:
    yield f"# Run {run['id']}"
    facts = ("status", "agent", "steps_taken", "tokens_used", "cost", "created_at", "started_at", "ended_at")
    known = [f"- {name}: {_inline(_fact(run, name))}" for name in facts if run[name] is not None]
    yield "\n".join(known)
    yield "## Task"
    yield _fenced(run["task"])
    for step in steps:
        name = f" {_inline(step['tool_name'])}" if step["tool_name"] else ""
        why = why_unfinished(step["metadata"])
        kind = step["kind"].replace("_", " ") if why is None else f"unfinished reply ({why})"
        yield f"## {step['sequence']}. {kind}{name}"
        if why is not None and step["metadata"].get("reasoning") not in ("", step["content"]):
            yield "Reasoning:"
            yield _fenced(str(step["metadata"].get("reasoning")))
            yield "Reply, as far as it came:"
        if step["content"]:
            yield _fenced(step["content"])
        if step["tool_input"] is not None:
            yield _fenced(json.dumps(step["tool_input"], indent=2), "json")
    if run["error"]:
        yield "## Error"
        yield _fenced(json.dumps(run["error"], indent=2), "json")


def _fact(run: dict[str, Any], name: str) -> Any:
    """The value; tokens of which some were counted here are "about" as many."""
    return f"≈{run[name]}" if name == "tokens_used" and run["usage_is_estimated"] else run[name]


def _inline(value: Any) -> str:
    """A short value between backticks, more of them than it has itself."""
    text = " ".join(str(value).split())
    ticks = _longer_than_any(text, 1)
    return f"{ticks} {text} {ticks}" if "`" in text else f"{ticks}{text}{ticks}"


def _fenced(text: str, language: str = "text") -> str:
    """A block no line of `text` can end."""
    fence = _longer_than_any(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def _longer_than_any(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
