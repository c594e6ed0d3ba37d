"""The page of a decision link: one person decides about one call, without a sign-in. The token is what proves them.

Reading it decides nothing, since mail scanners and previews read every address. A request takes no session, no cookie
and no CSRF token: whoever could forge it would need the token, with which they could decide anyway.
"""

from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.person_questions import AnswerMisfit
from runs.client_address import network_of
from runs.engine import control
from runs.engine.control.decision_links import DecisionLink, LinkRefused, opened
from runs.live.rendering.answer_form import AnswerForm
from runs.live.rendering.stored_words import refusal_words
from runs.models import Question, Surface, ToolCall
from runs.models.tool_call import is_in_grace
from runs.throttle import Throttle
from runs.web.access import PageRequest
from runs.web.call_page import whole_arguments
from runs.web.decided_calls import DecidedCall
from runs.web.decisions import is_second_press, reason_in
from runs.web.outage_page import too_many_of_yours
from runs.web.pending_calls import PendingCall, why_unread

REQUESTS: Final = Throttle("decision-links", limit=300, window_s=60)
"""Per address."""
WRONG_TOKENS: Final = Throttle("decision-links-wrong", limit=30, window_s=60)
"""Per address."""
DECISIONS: Final = Throttle("decision-links-sent", limit=20, window_s=60)
"""Per person and call."""


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def decide_by_link(request: PageRequest, token: str) -> HttpResponse:
    """Show the call of a link, or decide about it. 404 for a wrong link, 410 for one that ended, 409 with who was
    first, 422 for a form that says nothing; 303 back to the page after a decision."""
    # Whoever is signed in here may be another person: nothing on the page may be theirs.
    request.user = AnonymousUser()
    response = _answer(request, token)
    patch_cache_control(response, private=True, no_store=True)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _answer(request: PageRequest, token: str) -> HttpResponse:
    address = network_of(str(request.META.get("REMOTE_ADDR", "")))
    if REQUESTS.try_again_after_s(address) is not None:
        return too_many_of_yours()
    try:
        link = opened(token)
    except LinkRefused as refused:
        if refused.code == "unknown" and WRONG_TOKENS.try_again_after_s(address) is not None:
            return too_many_of_yours()
        status = 404 if refused.code == "unknown" else 410
        return render(request, "runs/decision_link_ended.html", {"code": refused.code, "status": status}, status=status)
    if request.method != "POST":
        return _show(request, link)
    if DECISIONS.try_again_after_s(f"{link.user.pk} {link.call.pk}") is not None:
        return too_many_of_yours()
    response = _answer_question(request, link) if link.question is not None else _decide(request, link)
    return response or HttpResponseRedirect(reverse("runs:decide", args=[token]), status=303)


def _decide(request: PageRequest, link: DecisionLink) -> HttpResponse | None:
    """Approve, deny or undo. None if that is done; else what is wrong."""
    call, decision = link.call, request.POST.get("decision", "")
    by: JsonObject = {
        "by": link.user,
        "arguments_hash": request.POST.get("arguments_hash", ""),
        "reason": reason_in(request.POST.get("reason", "")),
        "surface": Surface.MAIL,
    }
    try:
        match decision:
            case "approve":
                if unread := why_unread(call, read=True):
                    return _show(request, link, said=unread, status=422)
                control.approve(call.pk, **by, grace_s=control.GRACE_S)
            case "deny":
                control.deny(call.pk, **by)
            case "undo":
                control.undo_approval(call.pk, by=link.user)
            case _:
                return _show(request, link, said=gettext("Say whether it may run."), status=422)
    except control.DecisionRefused as refused:
        done = {"approve": "approved", "deny": "denied", "undo": "undone"}[decision]
        if not is_second_press(refused.call, done, by=link.user, reason=by["reason"]):
            return _refused(request, link, refused)
    return None


def _answer_question(request: PageRequest, link: DecisionLink) -> HttpResponse | None:
    """Answer the question of the link. None if that is done; else what is wrong."""
    question = link.question
    assert question is not None  # noqa: S101  the caller has looked
    form = AnswerForm.of_row(question, request.POST)
    if not form.is_valid():
        return _show(request, link, form=form, status=422)
    given = form.given_answer()
    try:
        control.answer(question.pk, by=link.user, answer=given, surface=Surface.MAIL)
    except control.AnswerRefused as refused:
        if not control.is_same_answer(refused.question, by=link.user, answer=given):
            return _refused(request, link, refused)
    except AnswerMisfit as misfit:
        form.refuse_misfit(misfit)
        return _show(request, link, form=form, status=422)
    return None


def _refused(request: PageRequest, link: DecisionLink, refused: control.DecisionRefused) -> HttpResponse:
    """409 with the call as it stands."""
    link.call.refresh_from_db()
    if link.question is not None:
        link.question.refresh_from_db()
    return _show(request, link, said=f"{refusal_words(refused)} {gettext('Nothing was changed.')}", status=409)


def _show(
    request: PageRequest, link: DecisionLink, *, said: str = "", form: AnswerForm | None = None, status: int = 200
) -> HttpResponse:
    call, question = link.call, link.question
    if question is None:
        asking = ToolCall.objects.asking().filter(pk=call.pk, state=ToolCall.State.AWAITING_APPROVAL)
    else:
        asking = ToolCall.objects.filter(pk__in=Question.objects.asking().filter(pk=question.pk).values("call"))
    undoable = ToolCall.objects.filter(is_in_grace(), pk=call.pk, state=ToolCall.State.APPROVED, decided_by=link.user)
    waits = asking.exists()
    context: dict[str, Any] = {
        "link": link,
        "run": call.run,
        "call": call,
        "waits": waits,
        "waiting": PendingCall(call, question=question),
        "form": form or (AnswerForm.of_row(question) if question is not None and waits else None),
        "decided": _decision(link),
        "undo_until": call.undo_until if not waits and undoable.exists() else None,
        "said": said,
        **whole_arguments(call),
    }
    return render(request, "runs/decision_link.html", context, status=status)


def _decision(link: DecisionLink) -> DecidedCall | None:
    """What was decided; None if nothing was."""
    if link.question is not None:
        return DecidedCall(link.call, link.question) if link.question.answered_at is not None else None
    return DecidedCall(link.call) if link.call.decided_at is not None else None
