"""Sign-ins at MCP servers: the page that begins one, the way back, and the document of this site's client."""

import hmac
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.sign_in_question import SIGN_IN, SIGNED_IN
from runs.engine import control
from runs.engine.mcp.oauth.client_document import client_key, client_metadata
from runs.engine.mcp.sign_ins import (
    FOR_ALL,
    FOR_EACH,
    begin_sign_in,
    finish_sign_in,
    mode_of,
    set_mode,
    sign_out,
)
from runs.engine.sealed_text import SealUnreadable
from runs.live.rendering.stored_words import refusal_words
from runs.models import Question, Run, ServerSignIn, Surface, ToolSource
from runs.models.permissions import may_change_agents, may_decide, may_launch, may_see
from runs.web.access import PageRequest, signed_in
from runs.web.server_rows import shown_error
from runs.web.site_origin import site_origin

PENDING: Final = "server_sign_ins"
"""The key of a session with the sign-ins that its browser has begun: sealed texts by their states."""
MOST_PENDING: Final = 5
MOST_ANSWERED: Final = 200


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def show_server_sign_in(request: PageRequest, name: str) -> HttpResponse:
    """Show where a person signs in at a server; POST begins it, and shows the link to the authorization server. 422 if
    it cannot begin."""
    source = _source_or_404(request, name)
    run_id = _run_id(request.POST.get("run") or request.GET.get("run") or "")
    context: dict[str, Any] = {"source": source, "run_id": run_id, "mode": mode_of(source), "error": "", "address": ""}
    if request.method == "POST":
        if may_change_agents(request.user) and request.POST.get("mode") in (FOR_ALL, FOR_EACH):
            set_mode(source, request.POST["mode"])
            context["mode"] = mode_of(source)
        try:
            context["address"] = _begin(request, source, run_id)
        except TimeoutError:
            context["error"] = gettext("The server has not answered yet. Look again in a minute.")
        except ToolFailed as failed:
            context["error"] = shown_error(str(failed))
        context["host"] = urlsplit(context["address"]).netloc
    context["is_signed_in"] = _sign_ins(source, request).filter(is_over=False).exists()
    return render(request, "tools/sign_in.html", context, status=422 if context["error"] else 200)


@require_safe
@signed_in
def finish_server_sign_in(request: PageRequest, key: str) -> HttpResponse:
    """The way back from an authorization server: to the page of the server, or to the run that waits for it."""
    source = _by_key_or_404(key)
    sealed = _take_pending(request, request.GET.get("state", ""))
    if sealed is None:
        messages.error(request, gettext("This sign-in was not begun in this browser, or is over. Begin it again."))
        return _back(request, source, "")
    run_id = ""
    try:
        user_id, run_id = finish_sign_in(sealed, request.GET.dict(), source_id=source.pk, by=request.user)
    except (ToolFailed, SealUnreadable) as failed:
        messages.error(request, refusal_words(failed) if isinstance(failed, ToolFailed) else shown_error(str(failed)))
        return _back(request, source, "")
    except TimeoutError:
        messages.error(request, gettext("The server has not answered yet. Look again in a minute."))
        return _back(request, source, "")
    goes_on = _answer_waiting(request.user, source, user_id)
    words = gettext("You are signed in at %(name)s.") % {"name": source.name}
    messages.success(request, f"{words} {gettext('What waited for it goes on.')}" if goes_on else words)
    return _back(request, source, run_id)


@require_safe
def show_client_document(request: HttpRequest, key: str) -> HttpResponse:
    """The metadata of this site's client, which authorization servers read. Anybody may: it has no secret."""
    _by_key_or_404(key)
    address = f"{site_origin(request)}{reverse('runs:signed-in-source', args=[key])}"
    return JsonResponse({"client_id": f"{address}client.json", **client_metadata(address)})


@require_POST
@signed_in
def sign_out_of_server(request: PageRequest, name: str) -> HttpResponse:
    """Forget the sign-in of the person, or the one for all runs."""
    source = _source_or_404(request, name)
    sign_out(source, _user_id(request, source))
    messages.success(request, gettext("Signed out of %(name)s.") % {"name": source.name})
    return _back(request, source, "")


def _begin(request: PageRequest, source: ToolSource, run_id: str) -> str:
    address, state, sealed = begin_sign_in(
        source, user_id=_user_id(request, source), origin=site_origin(request), run_id=run_id
    )
    pending = dict(request.session.get(PENDING, {}))
    request.session[PENDING] = dict([*pending.items(), (state, sealed)][-MOST_PENDING:])
    return address


def _take_pending(request: PageRequest, state: str) -> str | None:
    """The pending sign-in of this state, which is then over."""
    pending = dict(request.session.get(PENDING, {}))
    sealed = pending.pop(state, None) if state else None
    if sealed is not None:
        request.session[PENDING] = pending
    return sealed


def _answer_waiting(user: Any, source: ToolSource, user_id: int | None) -> int:
    """Answer the questions that asked for this sign-in, as far as the person may. Returns their number."""
    waiting = Question.objects.asking().filter(**{f"resume_state__{SIGN_IN}": source.name})
    if user_id is not None:
        waiting = waiting.filter(call__run__user=user_id)
    answered = 0
    for question in waiting.select_related("call__run")[:MOST_ANSWERED]:
        if not may_decide(user, question.call.run):
            continue
        try:
            control.answer(question.pk, by=user, answer=SIGNED_IN, surface=Surface.PAGE)
        except control.AnswerRefused:
            continue  # somebody was first, or the run was stopped
        answered += 1
    return answered


def _back(request: PageRequest, source: ToolSource, run_id: str) -> HttpResponse:
    run = Run.objects.filter(pk=run_id).first() if run_id else None
    if run is not None and may_see(request.user, run):
        return redirect(run)
    if may_change_agents(request.user):
        return redirect(source)
    if mode_of(source) == FOR_EACH and may_launch(request.user):
        return redirect("runs:sign-in-source", source.name)
    return redirect("runs:dashboard")


def _source_or_404(request: PageRequest, name: str) -> ToolSource:
    """The server, if the person may sign in there: each where each one does, else those who may change agents."""
    source = ToolSource.objects.filter(name=name, kind=ToolSource.Kind.MCP, options__transport="http").first()
    may = may_launch if source is not None and mode_of(source) == FOR_EACH else may_change_agents
    if source is None or not may(request.user):
        raise Http404(gettext("There is no such server."))
    return source


def _by_key_or_404(key: str) -> ToolSource:
    for source in ToolSource.objects.filter(kind=ToolSource.Kind.MCP, options__transport="http"):
        if hmac.compare_digest(client_key(source.pk), key):
            return source
    raise Http404(gettext("There is no such server."))


def _user_id(request: PageRequest, source: ToolSource) -> int | None:
    return request.user.pk if mode_of(source) == FOR_EACH else None


def _sign_ins(source: ToolSource, request: PageRequest) -> Any:
    return ServerSignIn.objects.filter(source=source, user=_user_id(request, source))


def _run_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""
