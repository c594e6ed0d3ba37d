"""What launched a run by itself: the delivery to a trigger."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from runs.models import Delivery, Run


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """A link to what launched a run."""

    name: str
    url: str


def launched_by(user: Any, run: Run) -> RunOrigin | None:
    """The delivery that launched the run, under the name of its trigger; None for another run, and if the user may not
    see it."""
    if run.trigger_id is None:
        return None
    delivery = Delivery.objects.visible_to(user).select_related("trigger").filter(run=run).first()
    if delivery is None:
        return None
    return RunOrigin(delivery.trigger.name, reverse("runs:delivery", args=[delivery.trigger_id, delivery.uid]))
