"""Answers to questions of agents, from the run's page or from the inbox."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from runs.agent.tools.person_questions import AnswerMisfit
from runs.agent.tools.sign_in_question import SIGN_IN
from runs.engine import control
from runs.live.rendering.answer_form import AnswerForm
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.stored_words import refusal_words
from runs.models import Question, Run, Surface, ToolCall
from runs.models.permissions import may_decide
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.decisions import done, said_in_place
from runs.web.toasts import toast


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def answer_question(request: PageRequest, run_id: UUID, question_id: UUID) -> HttpResponse:
    """Show a question on a page of its own, or answer it. 422 with the form if the answer does not fit, and 409 with
    the answer if another was first."""
    is_sent = request.method == "POST"
    run = run_or_404(request, run_id, may=may_decide if is_sent else None)
    questions = Question.objects.filter(call__run=run).select_related("call", "answered_by")
    question = questions.filter(pk=question_id).first()
    if question is None:
        raise Http404(gettext("The run has no such question."))
    if not is_sent and "sign-in" in request.GET:
        return _to_sign_in(run, question)
    if not is_sent:
        return _show(request, run, question, AnswerForm.of_row(question))
    form = AnswerForm.of_row(question, request.POST)
    if not form.is_valid():
        return _ask_again(request, run, question, form)
    surface = Surface.INBOX if "inbox" in request.POST else Surface.PAGE
    try:
        question = control.answer(question.pk, by=request.user, answer=form.given_answer(), surface=surface)
    except control.AnswerRefused as refused:
        if not control.is_same_answer(refused.question, by=request.user, answer=form.given_answer()):
            return _refused(request, run, refused)
        question = refused.question
    except AnswerMisfit as misfit:
        form.refuse_misfit(misfit)
        return _ask_again(request, run, question, form)
    return _answered(request, run, question)


def _to_sign_in(run: Run, question: Question) -> HttpResponse:
    """To the page where a person signs in at the server whose call waits for it."""
    state = question.resume_state
    server = state.get(SIGN_IN) if isinstance(state, dict) else None
    if not isinstance(server, str):
        raise Http404(gettext("This question does not wait for a sign-in."))
    return redirect(f"{reverse('runs:sign-in-source', args=[server])}?{urlencode({'run': run.pk})}")


def _answered(request: PageRequest, run: Run, question: Question) -> HttpResponse:
    """To the inbox words for the card, to other pages a toast."""
    left = ToolCall.objects.asking().filter(run=run).count()
    if left:
        more = ngettext("%(n)s more call waits in this run.", "%(n)s more calls wait in this run.", left)
        words = f"{gettext('Answered.')} {more % {'n': counted_text(left)}}"
    else:
        words = gettext("Answered. The run goes on.")
    if request.htmx and "inbox" in request.POST:
        return said_in_place("decided", {"call": str(question.call_id), "text": words, "undo": None})
    return done(request, run, words)


def _ask_again(request: PageRequest, run: Run, question: Question, form: AnswerForm) -> HttpResponse:
    if request.htmx and "inbox" not in request.POST:
        # The stage is the same for all viewers: the faults are said beside it, and what was typed stays.
        return done(request, run, _faults(form), level="error", status=422)
    return _show(request, run, question, form, status=422)


def _faults(form: AnswerForm) -> str:
    faults = [
        f"{form.fields[name].label}: {fault}" if name in form.fields and form.kind == Question.Kind.FORM else str(fault)
        for name, of_field in form.errors.items()
        for fault in of_field
    ]
    return " ".join(faults)


def _show(request: PageRequest, run: Run, question: Question, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "run": run,
        "question": question,
        "form": form,
        "waits": Question.objects.asking().filter(pk=question.pk).exists() and may_decide(request.user, run),
        "stands": refusal_words(ValueError(control.stands_of_question(question))),
    }
    template = "runs/partials/answer_form.html" if request.htmx else "runs/question.html"
    return render(request, template, context, status=status)


def _refused(request: PageRequest, run: Run, refused: control.AnswerRefused) -> HttpResponse:
    """409 with the answer that stands."""
    said, question = refusal_words(refused), refused.question
    context = {"run": run, "call": question.call, "said": said, "code": refused.code, "question": question}
    if not request.htmx:
        return render(request, "runs/decision_refused.html", context, status=409)
    response = render(request, "runs/partials/decision_refused.html", context, status=409)
    return toast(response, f"{said} {gettext('Nothing was changed.')}", level="error")
