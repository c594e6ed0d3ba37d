"""The calls of stored tools whose sources are MCP servers."""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonObject
from runs.agent.log_context import current_run_id
from runs.agent.tools.person_questions import GivenAnswer, PersonAsked, PersonQuestion, given_answers
from runs.agent.tools.sign_in_question import NOT_SIGNED_IN, SIGN_IN, SIGN_IN_CHOICES
from runs.engine.database_threads import in_thread
from runs.engine.mcp.connection import SignInNeeded
from runs.engine.mcp.oauth.used_tokens import token_redactor
from runs.engine.mcp.pool import mcp_loop
from runs.engine.mcp.target import Target
from runs.engine.stored_tools.stored_function import ToolRecord
from runs.models import Run

MOST_SIGN_INS: Final = 5
"""How often one call asks for a sign-in."""


async def call_mcp_tool(record: ToolRecord, arguments: JsonObject) -> Any:
    """Call a tool of an MCP server: the `Caller` of the kind `mcp`.

    Returns a text, JSON, or a list with files. Raises `ToolFailed` with the server's words, `ToolUnavailable` if the
    call was not made, `OutcomeUnknown` if an unsafe one may have been, and `PersonAsked` with what the server asks, a
    sign-in too.
    """
    # Here: the SDK takes most of a second to load, which the first call of a process waits for.
    from runs.engine.mcp.questions import resumed_with
    from runs.engine.mcp.results import output_of

    answers, sign_ins = _told_apart(given_answers())
    if sign_ins and sign_ins[-1].answer == NOT_SIGNED_IN:
        raise ToolFailed(f"{record.source} wants a sign-in, and nobody signed in. Do without it.")
    resumed = resumed_with(record.source, answers)
    loop = mcp_loop()
    user_id = await _owner_of_run() if record.options.get("sign_in") == "person" else None
    target = Target(record.source_id, record.source, record.options, user_id)
    try:
        output = output_of(await loop.run(loop.call(target, record, arguments, resumed)))
    except SignInNeeded as needed:
        if target.is_stdio or len(sign_ins) >= MOST_SIGN_INS:
            raise
        raise _ask_to_sign_in(record.source) from needed
    except ToolFailed as failed:
        shown = token_redactor().text(str(failed))
        raise (failed if shown == str(failed) else type(failed)(shown)) from failed.__cause__
    return token_redactor().value(output) if record.options.get("sign_in") else output


def _told_apart(answers: Sequence[GivenAnswer]) -> tuple[list[GivenAnswer], list[GivenAnswer]]:
    """The answers to what the server asked, and those about its sign-ins."""
    is_sign_in = [isinstance(each.resume_state, dict) and SIGN_IN in each.resume_state for each in answers]
    of_server = [each for each, is_one in zip(answers, is_sign_in, strict=True) if not is_one]
    return of_server, [each for each, is_one in zip(answers, is_sign_in, strict=True) if is_one]


def _ask_to_sign_in(server: str) -> PersonAsked:
    address = settings.AGENTSITE_URL + reverse("runs:sign-in-source", args=[server])
    text = f"{server} wants a sign-in, and has not made the call. Sign in at {address}, and the call is made."
    return PersonAsked(PersonQuestion(text=text, choices=SIGN_IN_CHOICES), {SIGN_IN: server})


async def _owner_of_run() -> int | None:
    """The id of the person whose run makes this call."""
    run_id = current_run_id()
    if not run_id:
        return None
    return await in_thread(Run.objects.filter(pk=run_id).values_list("user_id", flat=True).first)
