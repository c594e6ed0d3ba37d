"""The inbox: every call that waits for a person's decision, and bulk decisions."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import reswap, retarget

from runs.engine import control
from runs.engine.control.push_devices import has_device
from runs.live.rendering.formatting import counted_text
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run, Surface, ToolCall
from runs.models.permissions import may_change_agents, may_decide_for_others
from runs.web.access import PageRequest, id_in, signed_in
from runs.web.call_stacks import sections_of
from runs.web.decided_calls import KEPT, decided_page, last_decision
from runs.web.decisions import is_second_press, reason_in
from runs.web.inbox_tabs import inbox_tabs, tab_in
from runs.web.notification_words import news_for
from runs.web.pending_calls import (
    MOST_SHOWN,
    approvals_to_undo,
    waiting_calls,
    waiting_counts,
    waiting_runs,
    why_unread,
)
from runs.web.toasts import toast

NOTHING_CHOSEN: Final = gettext_lazy("Select calls first.")
MOST_UNASKED: Final = 5
"""More calls that change things outside are approved at once only after a second question."""


@require_safe
@signed_in
def show_inbox(request: PageRequest) -> HttpResponse:
    """Show a tab of the inbox; to htmx the list of waiting calls alone, where `?known=` are the ids of
    those that the page shows already. `?change=` opens the arguments of a call."""
    counts = waiting_counts(request.user)
    tab = tab_in(request.GET.get("tab", ""), counts, change=request.GET.get("change", ""))
    context = {
        "tab": tab,
        "tabs": inbox_tabs(tab, counts),
        "counts": counts,
        "waiting_count": counts.total,
        "now_ms": round(time.time() * 1000),
        "may_change_agents": may_change_agents(request.user),
        "show_owner": may_decide_for_others(request.user),
    }
    if not tab.states:
        page = decided_page(request.user, request.GET.get("before", ""))
        return render(request, "runs/inbox_decided.html", context | {"page": page, "days": KEPT.days})
    groups = waiting_runs(request.user, tab.states, change=id_in(request.GET.get("change", "")))
    shown = sum(len(group.calls) for group in groups)
    known = {id_in(name) for name in request.GET.get("known", "").split(",")} if request.htmx else set()
    context |= {
        "sections": sections_of(groups, known),
        "most_shown": MOST_SHOWN,
        "known": known,
        "has_more": shown < counts.of(tab.states),
        "undoable": () if request.htmx else approvals_to_undo(request.user),
        "last": None if shown else last_decision(request.user),
    }
    # Asked of whoever has decided something, and only while nothing waits.
    context["offers_device"] = context["last"] is not None and not has_device(request.user)
    return render(request, "runs/partials/inbox_list.html" if request.htmx else "runs/inbox.html", context)


@require_safe
@signed_in
def show_count(request: PageRequest) -> HttpResponse:
    """The number of calls that wait for the user, and what their rules tell on open pages, as JSON."""
    news = [{"id": str(each.id), "title": each.title, "path": each.path} for each in news_for(request.user)]
    return JsonResponse({"count": waiting_calls(request.user).count(), "news": news})


@require_POST
@signed_in
def decide(request: PageRequest) -> HttpResponse:
    """Approve or deny the chosen calls, each with the arguments that were shown."""
    action = request.POST.get("action")
    chosen = list(_chosen(request.POST.getlist("call")))
    if action not in ("approve", "deny") or not chosen:
        return _say(request, str(NOTHING_CHOSEN), refused=True)
    calls = {call.pk: call for call in _calls_of(request, [each for each, _ in chosen])}
    if action == "approve" and "confirmed" not in request.POST and _number_of_unsafe(calls.values()) > MOST_UNASKED:
        return _ask_first(request, chosen, calls)
    reason = reason_in(request.POST.get("reason", ""))
    by, done, refusals = {"by": request.user, "reason": reason, "surface": Surface.INBOX}, 0, []
    for call_id, shown_hash in chosen:
        refusal = _decide(action, calls.get(call_id), **by, arguments_hash=shown_hash)
        done += refusal is None
        refusals += [refusal] if refusal else []
    if action == "approve":
        words = ngettext("Approved %(n)s call.", "Approved %(n)s calls.", done)
    else:
        words = ngettext("Denied %(n)s call.", "Denied %(n)s calls.", done)
    words = words % {"n": counted_text(done)}
    return _say(request, " ".join([words, *dict.fromkeys(refusals)]), refused=bool(refusals))


def _calls_of(request: PageRequest, call_ids: list[UUID]) -> Iterable[ToolCall]:
    runs = Run.objects.decided_by(request.user)
    return ToolCall.objects.filter(pk__in=call_ids, run__in=runs)


def _number_of_unsafe(calls: Iterable[ToolCall]) -> int:
    return sum(call.effect == ToolCall.Effect.UNSAFE for call in calls)


def _ask_first(
    request: PageRequest, chosen: Iterable[tuple[UUID, str]], calls: Mapping[UUID, ToolCall]
) -> HttpResponse:
    """The question whether so many calls that change things outside are to be approved."""
    unsafe = Counter(call.tool_name for call in calls.values() if call.effect == ToolCall.Effect.UNSAFE)
    context = {
        "chosen": [(call_id, shown_hash) for call_id, shown_hash in chosen if call_id in calls],
        "unsafe": unsafe.most_common(),
        "unsafe_count": unsafe.total(),
    }
    if not request.htmx:
        return render(request, "runs/confirm_bulk.html", context)
    return retarget(
        reswap(render(request, "runs/partials/confirm_bulk.html", context | {"is_dialog": True}), "innerHTML"),
        "#inbox-confirm",
    )


def _decide(action: str, call: ToolCall | None, **by: Any) -> str | None:
    """Decide one call. Returns the reason if that was refused, else None."""
    if call is None:
        return gettext("One call does not wait any more, or you may not decide about it.")
    if action == "approve" and (unread := why_unread(call, read=False)):
        return f"{call.tool_name}: {unread}"
    approve = partial(control.approve, grace_s=control.GRACE_S)
    act, decision = (approve, "approved") if action == "approve" else (control.deny, "denied")
    try:
        act(call.pk, **by)
    except control.DecisionRefused as refused:
        return None if is_second_press(refused.call, decision, **by) else refusal_words(refused)
    return None


def _chosen(values: Iterable[str]) -> Iterable[tuple[UUID, str]]:
    """Call id and hash of each `call:hash`; malformed values are skipped, like a call that is gone."""
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
