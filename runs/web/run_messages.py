"""Messages to a run in progress, from its page: sent, changed and withdrawn, or sent as a follow-up if left unread."""

from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run, RunMessage
from runs.models.permissions import may_launch_like, may_steer
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.form_keys import key_of, launched_once, new_key
from runs.web.forms import MessageForm
from runs.web.run_actions import ActionMessage, stay
from runs.web.thread_page import place_in_thread
from runs.web.toasts import toast

SENT: Final = gettext_lazy("The message is queued.")
WITHDRAWN: Final = gettext_lazy("The message is withdrawn.")
ENDED_MEANWHILE: Final = gettext_lazy("The run has ended meanwhile. Send it as a follow-up.")


@require_POST
@signed_in
def send_message(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Send a message to a run in progress: to htmx an empty form, otherwise a redirect to the run's page, or with
    `thread` to its thread. 422 or 409 with the form if it is refused."""
    run = run_or_404(request, run_id, may=may_steer)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _show(request, run, form, status=422)
    text, interrupts = form.cleaned_data["text"], form.cleaned_data["interrupt"]
    try:
        control.send_message(run.pk, by=request.user, text=text, interrupts=interrupts, key=key_of(request))
    except control.MessageRefused as refused:
        _refuse(form, refused)
        return _show(request, run, form, status=409)
    from_thread = "thread" in request.POST
    if not request.htmx:
        said = stay(request, run, ActionMessage(SENT))
        return redirect(place_in_thread(run)) if from_thread else said
    context = {"run": run, "compose": MessageForm(), "once": new_key(), "from_thread": from_thread}
    return toast(trigger_client_event(render(request, "runs/partials/compose.html", context), "sent"), SENT)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_message(request: PageRequest, run_id: UUID, message_id: UUID) -> HttpResponse:
    """Show a message on a page of its own, or change its text. 422 with the form if the text is refused, and 409 with
    where the message stands if it was read meanwhile, or its text if somebody else has changed it."""
    run = run_or_404(request, run_id, may=may_steer)
    message = _message(run, message_id)
    if request.method != "POST":
        return _show(request, run, MessageForm(initial={"text": message.text}), message=message)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _show(request, run, form, status=422, message=message)
    try:
        seen = request.POST.get("instead_of") or None
        control.edit_message(message.pk, by=request.user, text=form.cleaned_data["text"], instead_of=seen)
    except control.MessageRefused as refused:
        if refused.code == "changed":
            _refuse(form, refused)
            return _show(request, run, form, status=409, message=refused.message)
        if refused.message is not None:
            return _show(request, run, form, status=409, message=refused.message)
        _refuse(form, refused)
        return _show(request, run, form, status=422, message=message)
    return redirect(run)


@require_POST
@signed_in
def withdraw_message(request: PageRequest, run_id: UUID, message_id: UUID) -> HttpResponse:
    """Withdraw a message that is not read yet."""
    run = run_or_404(request, run_id, may=may_steer)
    try:
        control.withdraw_message(_message(run, message_id).pk, by=request.user)
    except control.MessageRefused as refused:
        return stay(request, run, ActionMessage(refusal_words(refused), "error"))
    return stay(request, run, ActionMessage(WITHDRAWN))


@require_POST
@signed_in
def follow_up_message(request: PageRequest, run_id: UUID, message_id: UUID) -> HttpResponse:
    """Follow an ended run up with a message that it has not read, and go to the new run."""
    run = run_or_404(request, run_id, may=may_launch_like)
    message = _message(run, message_id)
    try:
        further = launched_once(
            request, lambda: control.continue_run(run.pk, by=request.user, message=message.text), about=str(message.pk)
        )
    except control.NotFinished:
        return stay(request, run, ActionMessage(gettext("The run goes on already. Nothing was changed."), "error"))
    except (DailyLimitReached, TooManyLaunches, DocumentRefused) as reached:
        return stay(request, run, ActionMessage(refusal_words(reached), "error"))
    return go_to(request, further.get_absolute_url())


def _message(run: Run, message_id: UUID) -> RunMessage:
    message = run.messages.select_related("user").filter(pk=message_id).first()
    if message is None:
        raise Http404(gettext("The run has no such message."))
    return message


def _refuse(form: MessageForm, refused: control.MessageRefused) -> None:
    words: str | Promise = ENDED_MEANWHILE if refused.code == "run_ended" else refusal_words(refused)
    form.add_error("text" if refused.code in ("empty", "too_long") else None, str(words))


def _show(
    request: PageRequest, run: Run, form: MessageForm, *, status: int = 200, message: RunMessage | None = None
) -> HttpResponse:
    """The form: by itself for htmx, else on a page. A message that cannot be changed any more is shown as it is."""
    is_open = message is None or message.state == RunMessage.State.QUEUED
    stands = "" if is_open or message is None else refusal_words(ValueError(control.stands_of_message(message)))
    once = request.POST.get("once") or new_key()
    context: dict[str, Any] = {"run": run, "compose": form, "message": message, "once": once, "stands": stands}
    context["from_thread"] = "thread" in request.POST
    if message is not None and is_open:
        context |= {"instead_of": control.text_hash(message.text), "is_changed": status == 409}
    is_part = request.htmx and message is None
    return render(request, "runs/partials/compose.html" if is_part else "runs/message.html", context, status=status)
