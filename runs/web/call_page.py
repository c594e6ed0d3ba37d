"""The page of one call that waits for a decision: its complete arguments, and the buttons."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from runs.agent.visible_text import exact
from runs.engine import control
from runs.live.rendering.json_texts import argument_text
from runs.live.rendering.long_texts import arguments_length, direction_of
from runs.live.rendering.stored_words import refusal_words
from runs.models import Question, ToolCall
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.argument_form import ArgumentForm
from runs.web.pending_calls import MOST_READ_CHARS, has_to_be_read, waiting_calls


@require_safe
@signed_in
def show_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Show a call with all of its arguments; to htmx only its state, for a page that shows the call already, or with
    `?change=` the form to change its arguments, as long as it waits."""
    run = run_or_404(request, run_id)
    call = run.calls.select_related("run", "decided_by").filter(pk=call_id).first()
    if call is None:
        raise Http404(gettext("The run has no such call."))
    waits = waiting_calls(request.user).filter(pk=call.pk, state=ToolCall.State.AWAITING_APPROVAL).exists()
    if request.htmx and waits and "change" in request.GET and not has_to_be_read(call):
        return render(request, "runs/partials/argument_form.html", {"call": call, "form": ArgumentForm(call)})
    if request.htmx:
        return render(request, "runs/partials/call_stands.html", {"call": call, "answered": _answered(call)})
    context = {"run": run, "call": call, "waits": waits, "answered": _answered(call), **whole_arguments(call)}
    context["form"] = ArgumentForm(call) if waits and context["can_be_read"] else None
    return render(request, "runs/call.html", context)


def _answered(call: ToolCall) -> str:
    """A sentence on the call's last question, if it is not open any more; else empty."""
    question = call.questions.select_related("answered_by").order_by("round").last()
    if question is None or question.state == Question.State.OPEN:
        return ""
    return refusal_words(ValueError(control.stands_of_question(question)))


def whole_arguments(call: ToolCall) -> dict[str, Any]:
    """The context of `whole_arguments.html`: name, text and direction of each argument, uncut; none of them if they are
    too long for any page."""
    length = arguments_length(call.arguments)
    can_be_read = length <= MOST_READ_CHARS
    texts = [(name, argument_text(value)) for name, value in call.arguments.items()] if can_be_read else []
    arguments = [(exact(name), exact(text), direction_of(text)) for name, text in texts]
    return {"arguments": arguments, "length": length, "most": MOST_READ_CHARS, "can_be_read": can_be_read}
