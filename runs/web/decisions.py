"""Decisions about tool calls, from the run's page or from the inbox."""

from typing import Any, Final, Literal
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.steps import DecisionPayload
from runs.engine import control
from runs.engine.recording.canonical_json import arguments_hash as hash_of
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run, Step, Surface, ToolCall
from runs.models.permissions import may_decide
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.argument_form import ArgumentForm
from runs.web.pending_calls import why_unread
from runs.web.toasts import toast

MAX_REASON_CHARS: Final = 2_000
OUTCOMES: Final[dict[str, control.Outcome]] = {"happened": "happened", "run_again": "run_again"}


@require_POST
@signed_in
def approve_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Approve a call, with the form's arguments if there are any. 422 with the form if they are invalid, and 422 if the
    call is too long for the page of the request, which did not show all of it."""
    run, call = _call_or_404(request, run_id, call_id)
    form = ArgumentForm(call, request.POST) if "edited" in request.POST else None
    if form is not None and not form.is_valid():
        return _ask_again(request, run, form)
    if unread := why_unread(call, read="read" in request.POST):
        return done(request, run, unread, level="error", status=422)
    by, arguments = _by(request, call_id), None if form is None else form.arguments()
    try:
        call = control.approve(call.pk, **by, arguments=arguments, grace_s=control.GRACE_S)
    except control.DecisionRefused as refused:
        if not is_second_press(refused.call, "approved", **by, arguments=arguments):
            return show_refused(request, run, refused)
        call = refused.call
    except ValueError as fault:
        form = form or ArgumentForm(call, request.POST)
        form.refuse_misfit(fault)
        return _ask_again(request, run, form)
    return _decided(request, run, call, gettext("Approved %(tool)s.") % {"tool": call.tool_name})


@require_POST
@signed_in
def deny_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Deny a call."""
    run, call = _call_or_404(request, run_id, call_id)
    by = _by(request, call_id)
    try:
        control.deny(call.pk, **by)
    except control.DecisionRefused as refused:
        if not is_second_press(refused.call, "denied", **by):
            return show_refused(request, run, refused)
        call = refused.call
    return _decided(request, run, call, gettext("Denied %(tool)s.") % {"tool": call.tool_name})


@require_POST
@signed_in
def undo_approval(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Take an approval back in its grace."""
    run, call = _call_or_404(request, run_id, call_id)
    try:
        control.undo_approval(call.pk, by=request.user)
    except control.DecisionRefused as refused:
        if not is_second_press(refused.call, "undone", by=request.user, reason=""):
            return show_refused(request, run, refused)
        call = refused.call
    if request.htmx and "inbox" in request.POST:
        return said_in_place("undone", {"call": str(call.pk)})
    return done(request, run, gettext("%(tool)s waits for your decision again.") % {"tool": call.tool_name})


@require_POST
@signed_in
def settle_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Settle a call whose outcome is unknown."""
    run, call = _call_or_404(request, run_id, call_id)
    by = _by(request, call_id)
    outcome = OUTCOMES.get(request.POST.get("outcome", ""))
    if outcome is None:
        return done(request, run, gettext("Say whether it happened."), level="error", status=422)
    try:
        control.settle(call.pk, by=by["by"], outcome=outcome, reason=by["reason"])
    except control.DecisionRefused as refused:
        if not is_second_press(refused.call, outcome, by=by["by"], reason=by["reason"]):
            return show_refused(request, run, refused)
        call = refused.call
    words = gettext("Marked %(tool)s as done.") if outcome == "happened" else gettext("%(tool)s runs again.")
    return _decided(request, run, call, words % {"tool": call.tool_name})


def is_second_press(
    call: ToolCall,
    decision: str,
    *,
    by: Any,
    reason: str,
    arguments_hash: str | None = None,
    arguments: JsonObject | None = None,
    surface: Surface | None = None,  # noqa: ARG001 - that of the first press may be another one
) -> bool:
    """True if the last decision about the call is this one by this user: a repeated click, which changes nothing and
    gets the answer of the first. Parameters as of `control.approve`."""
    last = (
        Step.objects.filter(run=call.run_id, call_id=call.pk)
        .decisions()
        .only("kind", "metadata")
        .order_by("-sequence")
        .first()
    )
    told = last.payload if last is not None else None
    if not isinstance(told, DecisionPayload) or told.decision != decision or told.by != by.get_username():
        return False
    if told.reason != control.without_secrets(reason):
        return False
    if arguments_hash is None:
        return True
    proposed = call.arguments if call.proposed_arguments is None else call.proposed_arguments
    wanted = arguments if arguments is not None else proposed
    return hash_of(proposed) == arguments_hash and hash_of(wanted) == call.arguments_hash


def show_refused(request: PageRequest, run: Run, refused: control.DecisionRefused) -> HttpResponse:
    """409 with the call's current state."""
    said = refusal_words(refused)
    context = {"run": run, "call": refused.call, "said": said, "code": refused.code}
    template = "runs/partials/decision_refused.html" if request.htmx else "runs/decision_refused.html"
    response = render(request, template, context, status=409)
    return toast(response, f"{said} {gettext('Nothing was changed.')}", level="error") if request.htmx else response


def reason_in(text: str) -> str:
    """A reason that can be stored: cut to its maximum, and without NUL, which PostgreSQL refuses."""
    return text.replace("\x00", "")[:MAX_REASON_CHARS]


def _call_or_404(request: PageRequest, run_id: UUID, call_id: UUID) -> tuple[Run, ToolCall]:
    run = run_or_404(request, run_id, may=may_decide)
    call = run.calls.select_related("run").filter(pk=call_id).first()
    if call is None:
        raise Http404(gettext("The run has no such call."))
    return run, call


def _by(request: PageRequest, call_id: UUID) -> JsonObject:
    """Arguments of a decision: the user, the hash of the shown arguments, the reason, and where it is made."""
    reason = reason_in(request.POST.get(f"reason-{call_id}", request.POST.get("reason", "")))
    surface = Surface.INBOX if "inbox" in request.POST else Surface.PAGE
    shown = request.POST.get("arguments_hash", "")
    return {"by": request.user, "arguments_hash": shown, "reason": reason, "surface": surface}


def _ask_again(request: PageRequest, run: Run, form: ArgumentForm) -> HttpResponse:
    template = "runs/partials/argument_form.html" if request.htmx else "runs/arguments.html"
    context = {"run": run, "call": form.call, "form": form, "read": "read" in request.POST}
    return render(request, template, context, status=422)


def _decided(request: PageRequest, run: Run, call: ToolCall, words: str) -> HttpResponse:
    """The answer to a decision: to the inbox words for the call's card, to other pages a toast."""
    left = ToolCall.objects.asking().filter(run=run).count()
    if left:
        more = ngettext("%(n)s more call in this run.", "%(n)s more calls in this run.", left)
        words = f"{words} {more % {'n': counted_text(left)}}"
    elif call.undo_until is None:
        words = f"{words} {gettext('The run goes on.')}"
    if request.htmx and "inbox" in request.POST:
        return said_in_place("decided", {"call": str(call.pk), "text": words, "undo": undo_of(call)})
    if "inbox" in request.POST and call.undo_until is not None and not left:
        return redirect("runs:inbox")  # It says the same beside the button that takes the approval back.
    return done(request, run, words)


def undo_of(call: ToolCall) -> JsonObject | None:
    """What the button that takes the call's approval back needs: its address, and until when it is there, in
    milliseconds since the epoch. None if the approval has no grace."""
    if call.undo_until is None:
        return None
    until_ms = round(call.undo_until.timestamp() * 1000)
    return {"url": reverse("runs:undo", args=[call.run_id, call.pk]), "until": until_ms}


def said_in_place(event: str, about: JsonObject) -> HttpResponse:
    """The answer to the inbox, which shows the result in the call's card."""
    response = trigger_client_event(HttpResponse(status=204), event, about)
    response["HX-Reswap"] = "none"  # There is no form to swap in.
    return response


def done(
    request: PageRequest, run: Run, words: str, *, level: Literal["info", "error"] = "info", status: int = 204
) -> HttpResponse:
    """To htmx a toast, because the page changes live; otherwise a redirect to the page of the decision."""
    if request.htmx:
        response = toast(HttpResponse(status=status), words, level=level)
        response["HX-Reswap"] = "none"  # There is no form to swap in.
        return response
    messages.add_message(request, messages.ERROR if level == "error" else messages.INFO, words)
    return redirect("runs:inbox") if "inbox" in request.POST else redirect(run)
