"""The log of a trigger: a delivery with what it brought and what came of it, and its replay."""

import json
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from runs.agent.visible_text import exact
from runs.agent.wording import read_parts
from runs.engine import control
from runs.engine.control import ReplayRefused
from runs.live.rendering.stored_words import refusal_words, wording_words
from runs.models import Delivery
from runs.models.permissions import may_launch
from runs.web.access import PageRequest, signed_in

MOST_SHOWN_CHARS: Final = 100_000
"""Of a payload on its page."""
FAILED: Final = frozenset(Delivery.FAILED)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery in a list."""

    delivery: Delivery

    @property
    def reason(self) -> str:
        """Why nothing was launched, in the language of the page; empty for a launch."""
        return reason_of(self.delivery)

    @property
    def tone(self) -> str:
        """The colour of its state."""
        if self.delivery.state == Delivery.State.LAUNCHED:
            return "ok"
        return "error" if self.delivery.state in FAILED else ""


@require_safe
@signed_in
def show_delivery(request: PageRequest, trigger_id: UUID, delivery_id: UUID) -> HttpResponse:
    """A delivery: its payload and headers, and what came of it."""
    delivery = delivery_or_404(request, trigger_id, delivery_id)
    payload = exact(json.dumps(delivery.body, ensure_ascii=False, indent=2)) if delivery.payload else ""
    context = {
        "trigger": delivery.trigger,
        "delivery": delivery,
        "row": DeliveryRow(delivery),
        "payload": payload[:MOST_SHOWN_CHARS],
        "is_cut": len(payload) > MOST_SHOWN_CHARS,
        "headers": [(exact(name), exact(str(text))) for name, text in sorted(delivery.headers.items())],
        "replays": [DeliveryRow(each) for each in delivery.replays.select_related("run").order_by("-pk")[:20]],
        "may_launch": may_launch(request.user),
    }
    return render(request, "triggers/delivery.html", context)


@require_POST
@signed_in
def replay_delivery(request: PageRequest, trigger_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Replay it, and show the new delivery."""
    delivery = delivery_or_404(request, trigger_id, delivery_id)
    try:
        replayed = control.replay(delivery.uid, by=request.user)
    except ReplayRefused as refused:
        messages.warning(request, refusal_words(refused))
        return redirect("runs:delivery", trigger_id, delivery_id)
    return redirect("runs:delivery", trigger_id, replayed.uid)


def delivery_or_404(request: PageRequest, trigger_id: UUID, delivery_id: UUID) -> Delivery:
    """The delivery of a trigger of the person."""
    seen = Delivery.objects.visible_to(request.user).select_related("trigger", "run", "replay_of", "replayed_by")
    delivery = seen.filter(trigger=trigger_id, uid=delivery_id).first()
    if delivery is None:
        raise Http404(gettext("There is no such delivery, or it is not yours."))
    return delivery


def reason_of(delivery: Delivery) -> str:
    """Why nothing was launched, in the language of the page."""
    return exact(wording_words(read_parts(delivery.reason)))
