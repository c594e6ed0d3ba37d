"""What a person decides about a tool call, from the run's page or from the inbox."""

from typing import Any, Final, Literal
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.models import Run, ToolCall
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.argument_form import ArgumentForm
from runs.web.toasts import toast

MAX_REASON_CHARS: Final = 2_000
OUTCOMES: Final[dict[str, control.Outcome]] = {"happened": "happened", "run_again": "run_again"}


@require_POST
@signed_in
def approve_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Let a call run, with the arguments of the form if there are any; 422 with the form if they do not fit."""
    run, call = _call_or_404(request, run_id, call_id)
    form = ArgumentForm(call, request.POST) if "edited" in request.POST else None
    if form is not None and not form.is_valid():
        return _ask_again(request, run, form)
    try:
        control.approve(call.pk, **_by(request, call_id), arguments=None if form is None else form.arguments())
    except control.DecisionRefused as refused:
        return show_refused(request, run, refused)
    except ValueError as fault:
        form = form or ArgumentForm(call, request.POST)
        form.refuse(str(fault))
        return _ask_again(request, run, form)
    return _done(request, run, f"{call.tool_name} is approved.")


@require_POST
@signed_in
def deny_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Do not let a call run."""
    run, call = _call_or_404(request, run_id, call_id)
    try:
        control.deny(call.pk, **_by(request, call_id))
    except control.DecisionRefused as refused:
        return show_refused(request, run, refused)
    return _done(request, run, f"{call.tool_name} is denied.")


@require_POST
@signed_in
def settle_call(request: PageRequest, run_id: UUID, call_id: UUID) -> HttpResponse:
    """Say what became of a call whose outcome is unknown."""
    run, call = _call_or_404(request, run_id, call_id)
    by = _by(request, call_id)
    outcome = OUTCOMES.get(request.POST.get("outcome", ""))
    if outcome is None:
        return _done(request, run, "Say whether it happened.", level="error", status=422)
    try:
        control.settle(call.pk, by=by["by"], outcome=outcome, reason=by["reason"])
    except control.DecisionRefused as refused:
        return show_refused(request, run, refused)
    words = "is said to have happened" if outcome == "happened" else "runs again"
    return _done(request, run, f"{call.tool_name} {words}.")


def show_refused(request: PageRequest, run: Run, refused: control.DecisionRefused) -> HttpResponse:
    """409 with the call as it truly stands."""
    context = {"run": run, "call": refused.call, "said": str(refused), "code": refused.code}
    template = "runs/partials/decision_refused.html" if request.htmx else "runs/decision_refused.html"
    response = render(request, template, context, status=409)
    return toast(response, f"{refused} Nothing was changed.", level="error") if request.htmx else response


def reason_in(text: str) -> str:
    """A reason as it can be kept: PostgreSQL takes no NUL."""
    return text.replace("\x00", "")[:MAX_REASON_CHARS]


def _call_or_404(request: PageRequest, run_id: UUID, call_id: UUID) -> tuple[Run, ToolCall]:
    run = run_or_404(request, run_id)
    call = run.calls.select_related("run").filter(pk=call_id).first()
    if call is None:
        raise Http404("The run has no such call.")
    return run, call


def _by(request: PageRequest, call_id: UUID) -> dict[str, Any]:
    """Who decides, what they were shown, and why."""
    reason = reason_in(request.POST.get(f"reason-{call_id}", request.POST.get("reason", "")))
    return {"by": request.user, "arguments_hash": request.POST.get("arguments_hash", ""), "reason": reason}


def _ask_again(request: PageRequest, run: Run, form: ArgumentForm) -> HttpResponse:
    template = "runs/partials/argument_form.html" if request.htmx else "runs/arguments.html"
    return render(request, template, {"run": run, "call": form.call, "form": form}, status=422)


def _done(
    request: PageRequest, run: Run, words: str, *, level: Literal["info", "error"] = "info", status: int = 204
) -> HttpResponse:
    """To htmx a toast, because the page changes live; otherwise back to where it was decided."""
    if request.htmx:
        return toast(HttpResponse(status=status), words, level=level)
    messages.add_message(request, messages.ERROR if level == "error" else messages.INFO, words)
    return redirect("runs:inbox") if "inbox" in request.POST else redirect(run)
