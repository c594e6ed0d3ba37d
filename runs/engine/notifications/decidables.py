"""What a message lets its person decide: the calls of a run that wait, with what their approval would do."""

import json
from collections.abc import Callable
from typing import Any, Final, Literal
from uuid import UUID

from django.conf import settings

from runs.agent.output_text import readable
from runs.agent.redaction.redactor import Redactor
from runs.engine.notifications.channels import Decidable
from runs.engine.operations.known_secrets import known_secrets
from runs.models import Notification, NotificationRule, Question, ToolCall
from runs.models.permissions import may_decide

LinkSigner = Callable[[Any, UUID, UUID], str]
"""The token with which a person (the user) decides a call (run and call) without a session."""

MOST_CALLS: Final = 5
"""In one message."""
MAX_ARGUMENTS_CHARS: Final = 1_000
MAX_QUESTION_CHARS: Final = 1_000


def decidables_of(notification: Notification, user: Any, link: LinkSigner | None) -> tuple[Decidable, ...]:
    """The first calls that wait for this person; none if nothing waits or they may not decide."""
    run = notification.run
    if run is None or notification.event != NotificationRule.Event.NEEDS_PERSON or not may_decide(user, run):
        return ()
    calls = list(ToolCall.objects.asking().filter(run=run).order_by("turn", "index", "position")[:MOST_CALLS])
    open_ones = Question.objects.filter(call__in=calls, state=Question.State.OPEN)
    questions = dict(open_ones.values_list("call_id", "text"))
    hide = Redactor(known_secrets()).text
    return tuple(_decidable(call, questions.get(call.pk, ""), user, link, hide) for call in calls)


def _decidable(
    call: ToolCall, question: str, user: Any, link: LinkSigner | None, hide: Callable[[str], str]
) -> Decidable:
    token = "" if link is None else link(user, call.run_id, call.pk)
    site = settings.AGENTSITE_URL
    return Decidable(
        call_id=call.pk,
        waits_for=_waits_for(call),
        tool_name=call.tool_name,
        arguments=_shortened(hide(json.dumps(call.arguments, ensure_ascii=False)), MAX_ARGUMENTS_CHARS),
        arguments_hash=call.arguments_hash,
        question=_shortened(hide(question), MAX_QUESTION_CHARS),
        token=token,
        url=f"{site}/decide/{token}/" if site and token else "",
    )


def _waits_for(call: ToolCall) -> Literal["approval", "answer", "decision"]:
    match call.state:
        case ToolCall.State.AWAITING_APPROVAL:
            return "approval"
        case ToolCall.State.AWAITING_ANSWER:
            return "answer"
    return "decision"


def _shortened(text: str, most: int) -> str:
    text = readable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"
