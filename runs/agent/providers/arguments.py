"""The arguments of a call, as a model wrote them."""

import json
from typing import Any

from runs.agent.plain_json import plain_json
from runs.agent.tools.validation import MALFORMED, MALFORMED_BECAUSE


def arguments_of(written: Any, *, was_cut: bool) -> dict[str, Any]:
    """The arguments; those of a call that was cut off, or that are no object, are marked and fit no tool."""
    try:
        arguments = plain_json(json.loads(written) if isinstance(written, str) and written else written or {})
    except (ValueError, RecursionError):
        arguments = None
    if was_cut and not (isinstance(arguments, dict) and arguments):
        told = "The reply was cut at its limit before the call's arguments were complete. It did not run."
        return {MALFORMED: plain_json(str(written or "")), MALFORMED_BECAUSE: told}
    return arguments if isinstance(arguments, dict) else {MALFORMED: plain_json(str(written))}
