"""The inbox: every call that waits for a person, over all runs, and deciding about many at once."""

import time
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from runs.agent.wording import counted
from runs.engine import control
from runs.web.access import PageRequest, id_in, signed_in
from runs.web.decisions import reason_in
from runs.web.toasts import toast
from runs.web.waiting import MOST_SHOWN, waiting_calls, waiting_runs

NOTHING_CHOSEN: Final = "Choose the calls first: each has a box."


@require_safe
@signed_in
def show_inbox(request: PageRequest) -> HttpResponse:
    """Show what waits for the person; to htmx the list alone. `?change=` a call whose arguments are to be changed."""
    groups = waiting_runs(request.user, change=id_in(request.GET.get("change", "")))
    context = {
        "groups": groups,
        "shown": sum(len(group.calls) for group in groups),
        "waiting_count": waiting_calls(request.user).count(),
        "most_shown": MOST_SHOWN,
        "now_ms": round(time.time() * 1000),
        "show_owner": request.user.is_staff,
    }
    return render(request, "runs/partials/inbox_list.html" if request.htmx else "runs/inbox.html", context)


@require_safe
@signed_in
def show_count(request: PageRequest) -> HttpResponse:
    """How many calls wait for the person, as JSON."""
    return JsonResponse({"count": waiting_calls(request.user).count()})


@require_POST
@signed_in
def decide(request: PageRequest) -> HttpResponse:
    """Approve or deny the chosen calls, each with the arguments that were shown of it."""
    action = request.POST.get("action")
    chosen = list(_chosen(request.POST.getlist("call")))
    if action not in ("approve", "deny") or not chosen:
        return _say(request, NOTHING_CHOSEN, refused=True)
    visible = set(waiting_calls(request.user).filter(pk__in=[each for each, _ in chosen]).values_list("pk", flat=True))
    reason = reason_in(request.POST.get("reason", ""))
    act = control.approve if action == "approve" else control.deny
    done, refusals = 0, []
    for call_id, shown_hash in chosen:
        if call_id not in visible:
            refusals.append("One was decided meanwhile.")
            continue
        try:
            act(call_id, by=request.user, arguments_hash=shown_hash, reason=reason)
            done += 1
        except control.DecisionRefused as refused:
            refusals.append(str(refused))
    words = f"{counted(done, 'call is', 'calls are')} {'approved' if action == 'approve' else 'denied'}."
    return _say(request, " ".join([words, *dict.fromkeys(refusals)]), refused=bool(refusals))


def _chosen(values: Iterable[str]) -> Iterable[tuple[UUID, str]]:
    """Call and hash of each `call:hash`; what is none is left out, as a call that is gone."""
    for value in values:
        call_text, _, shown_hash = value.partition(":")
        if (call_id := id_in(call_text)) is not None:
            yield call_id, shown_hash


def _say(request: PageRequest, words: str, *, refused: bool) -> HttpResponse:
    if request.htmx:
        status = 409 if refused else 204
        return toast(HttpResponse(status=status), words, level="error" if refused else "info")
    messages.add_message(request, messages.ERROR if refused else messages.INFO, words)
    return redirect("runs:inbox")
