"""A call of a tool for a person who tries it: once, outside of any run, with a time limit. Nothing of it is stored."""

import asyncio
import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from django.core.cache import cache
from django.db import close_old_connections
from django.utils.translation import gettext

from runs.agent.errors.agent_error import AgentError
from runs.agent.json_data.json_types import JsonObject
from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.function_tool import FunctionTool
from runs.engine.operations.known_secrets import known_secrets
from runs.live.rendering.error_codes import cause_of
from runs.live.rendering.formatting import counted_text, duration_text
from runs.live.rendering.json_texts import pretty
from runs.live.rendering.long_texts import SHOWN_CHARS, Fold, fold
from runs.live.rendering.stored_words import error_words
from runs.markdown import visible

LONGEST_S: Final = 60
"""Time limit of a trial, also of a tool that may take longer in a run: a person waits for it."""
GRACE_S: Final = 2
"""How much longer than its limit a call is waited for. One that stops the event loop of its thread does not end."""

logger = logging.getLogger(__name__)


class TrialGoesOn(Exception):
    """A trial of the same person has not ended."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial."""

    took: str
    output: Fold | None = None
    """None if the call failed."""
    cut: str = ""
    """How much of the output is not shown; empty if all of it is."""
    error: str = ""
    cause: str = ""
    """The kind of error in a few words; may be empty."""


def run_trial(tool: FunctionTool, arguments: JsonObject, *, timeout_s: float, user: Any) -> Trial:
    """Call the tool once and wait for the result, without secrets. Raises `TrialGoesOn`: one trial of a person at a
    time.

    The call has a thread with an event loop of its own, which this waits for `GRACE_S` longer than the limit.
    """
    timeout_s = min(timeout_s, LONGEST_S)
    key, mark = f"tool-trial:{user.pk}", uuid4().hex
    if not cache.add(key, mark, int(timeout_s + GRACE_S) + 1):
        raise TrialGoesOn
    logger.info("User %s tries the tool %r.", user.pk, tool.name)
    result: Future[tuple[Any, AgentError | None, float]] = Future()

    def work() -> None:
        try:
            outcome = asyncio.run(call_tool(tool, arguments, timeout_s=timeout_s))
            _end(key, mark)
            result.set_result(outcome)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            _end(key, mark)
            result.set_exception(error)

    # A thread without the context of the request: the executor that asgiref keeps there ends with the response.
    threading.Thread(target=work, name=f"trial of {tool.name}", daemon=True).start()
    try:
        output, error, took_s = result.result(timeout_s + GRACE_S)
    except WaitTimeout:
        return Trial(duration_text(timeout_s), error=gettext("It has not ended in time, and cannot be stopped."))
    return _shown(output, error, took_s)


def _end(key: str, mark: str) -> None:
    """Let the person try again, unless a later trial of theirs has begun: this one was given up."""
    close_old_connections()
    if cache.get(key) == mark:
        cache.delete(key)


def _shown(output: Any, error: AgentError | None, took_s: float) -> Trial:
    redactor, took = Redactor(known_secrets()), duration_text(took_s)
    if error is not None:
        message = visible(redactor.text(error_words(error.message))[:SHOWN_CHARS])
        return Trial(took, error=message, cause=cause_of(error.code))
    hidden = redactor.value(output)
    text = hidden if isinstance(hidden, str) else pretty(hidden)
    folded = fold(text, "result", is_data=not isinstance(hidden, str))
    cut = ""
    if folded.rest is not None:
        told = {"shown": counted_text(SHOWN_CHARS), "n": counted_text(len(text))}
        cut = gettext("The first %(shown)s of %(n)s characters are shown.") % told
    return Trial(took, replace(folded, rest=None), cut)
