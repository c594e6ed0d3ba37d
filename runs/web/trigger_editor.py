"""Pages that make and change a trigger, and try its expressions on a payload before they are saved."""

import json
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from runs.agent.visible_text import exact
from runs.engine import control
from runs.engine.control import MappingTrial, TriggerRefused
from runs.engine.triggers.mapping import FILTER, MappingBusy
from runs.engine.triggers.payloads import MAX_BODY_BYTES, PayloadRefused, kept_headers, read_body
from runs.engine.triggers.sample_payloads import PLAIN
from runs.engine.triggers.signatures import ALGORITHMS, Encoding
from runs.live.rendering.stored_words import refusal_words
from runs.models import Delivery, Trigger
from runs.models.permissions import may_launch
from runs.throttle import Throttle
from runs.web.access import PageRequest, go_to, id_in, only_if
from runs.web.trigger_examples import fitting_payload
from runs.web.trigger_form import TriggerForm, in_words, sample_headers, targets
from runs.web.triggers import show_credentials, trigger_or_404

TRIALS: Final = Throttle("trigger-trials", limit=240, window_s=60)
"""Per person: each is a process."""
OFFERED: Final = 10
"""Deliveries whose payload can be taken."""
SHOWN_CHARS: Final = 2000
SAMPLE: Final = json.dumps(PLAIN, indent=2)
"""Before there are expressions."""


@dataclass(slots=True)
class SamplePayload:
    """The payload that expressions are tried on."""

    payload: str = SAMPLE
    headers: str = ""
    errors: list[str] = field(default_factory=list)

    def root(self) -> Any:
        """What expressions read. Raises `PayloadRefused`."""
        headers = kept_headers(sample_headers(self.headers).items())
        return {"body": read_body(self.payload.encode(errors="replace")), "headers": headers}


@dataclass(slots=True)
class ShownTrial:
    """What came of a trial, for the page."""

    is_wanted: bool = False
    task: str = ""
    is_cut: bool = False
    inputs: list[tuple[str, str]] = field(default_factory=list)
    message: str = ""
    """Why nothing was tried; empty otherwise."""
    has_faults: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_launch)
@never_cache
def new_trigger(request: PageRequest) -> HttpResponse:
    """The form of a new trigger; `?launches=` chooses an agent or a template. POST makes it and shows its address and
    secret, once; 422 with the form if it is refused."""
    if request.method != "POST":
        form = TriggerForm(launches=request.GET.get("launches", "")).found()
        return _show(request, form, None, _sample_of(None))
    return _sent(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_launch)
@never_cache
def edit_trigger(request: PageRequest, trigger_id: UUID) -> HttpResponse:
    """The form of a trigger. POST stores it; 422 with the form if it is refused."""
    trigger = trigger_or_404(request, trigger_id)
    if request.method != "POST":
        return _show(request, TriggerForm.of_trigger(trigger), trigger, _sample_of(trigger))
    return _sent(request, trigger)


@require_POST
@only_if(may_launch)
def show_inputs(request: PageRequest) -> HttpResponse:
    """To htmx the fields of the inputs that the chosen template or the typed task has."""
    return render(request, "triggers/partials/launch.html", {"editor": TriggerForm.sent(request.POST)})


@require_POST
@only_if(may_launch)
def try_trigger(request: PageRequest) -> HttpResponse:
    """To htmx what the expressions make of the payload; the faults of each are put at its field."""
    form, sample = TriggerForm.sent(request.POST), _sample_in(request)
    context = {"editor": form, "sample": sample, "trial": _tried(request, form, sample)}
    return render(request, "triggers/partials/trial.html", context)


@require_POST
@only_if(may_launch)
def take_payload(request: PageRequest) -> HttpResponse:
    """To htmx the payload and the headers of a delivery of the person, to try expressions on."""
    uid = id_in(request.POST.get("taken", ""))
    kept = Delivery.objects.visible_to(request.user).exclude(payload="")
    taken = None if uid is None else kept.filter(uid=uid).first()
    sample = _sample_in(request) if taken is None else _sample_from(taken)
    return render(request, "triggers/partials/sample.html", {"sample": sample})


def _sent(request: PageRequest, trigger: Trigger | None) -> HttpResponse:
    form, sample = TriggerForm.sent(request.POST), _sample_in(request)
    verb = request.POST.get("do", "save")
    if verb == "inputs":
        return _show(request, form, trigger, sample)
    if verb == "try":
        return _show(request, form, trigger, sample, trial=_tried(request, form, sample))
    said = form.settings()
    if said is not None:
        try:
            if trigger is None:
                made, credentials = control.create_trigger(said, user=request.user)
                tried = "" if sample.payload.split() == SAMPLE.split() else sample.payload
                return show_credentials(request, made, credentials, is_new=True, payload=tried)
            changed, credentials = control.change_trigger(trigger.pk, said, by=request.user)
        except TriggerRefused as refused:
            form.refuse(refused)
        else:
            if credentials.secret:
                return show_credentials(request, changed, credentials)
            return go_to(request, changed.get_absolute_url())
    return _show(request, form, trigger, sample, status=422)


def _tried(request: PageRequest, form: TriggerForm, sample: SamplePayload) -> ShownTrial:
    if TRIALS.try_again_after_s(str(request.user.pk)) is not None:
        return ShownTrial(message=gettext("You have tried too often within a minute. Try it again in a moment."))
    try:
        root = sample.root()
        trial = control.try_mapping(
            template=form.template,
            task=form.task,
            inputs=form.known_inputs,
            filter_text=form.filter,
            root=root,
            by=request.user,
        )
    except PayloadRefused as refused:
        sample.errors = [refusal_words(refused)]
        return ShownTrial(message=gettext("The payload cannot be read."))
    except MappingBusy:
        return ShownTrial(message=gettext("Too much is going on here at once. Try it again in a moment."))
    for name, words in trial.faults.items():
        shown = FILTER if name == FILTER else f"inputs.{name}"
        form.errors.setdefault(shown, []).append(in_words(words))
    return _shown(trial)


def _shown(trial: MappingTrial) -> ShownTrial:
    values = [(exact(name), _short(value)) for name, value in trial.values.items()]
    task = trial.task[:SHOWN_CHARS]
    return ShownTrial(trial.is_wanted, task, len(trial.task) > SHOWN_CHARS, values, has_faults=bool(trial.faults))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return exact(text[:SHOWN_CHARS]) + ("…" if len(text) > SHOWN_CHARS else "")


def _sample_in(request: PageRequest) -> SamplePayload:
    return SamplePayload(request.POST.get("payload", SAMPLE), request.POST.get("sample_headers", ""))


def _sample_of(trigger: Trigger | None) -> SamplePayload:
    """The payload of the newest delivery; without one, one that fits the expressions."""
    if trigger is None:
        return SamplePayload()
    last = trigger.deliveries.exclude(payload="").order_by("-pk").first()
    return SamplePayload(fitting_payload(trigger, indent=2)) if last is None else _sample_from(last)


def _sample_from(delivery: Delivery) -> SamplePayload:
    payload = json.dumps(delivery.body, ensure_ascii=False, indent=2)
    if len(payload.encode()) > MAX_BODY_BYTES:
        payload = delivery.payload
    return SamplePayload(payload, "\n".join(f"{name}: {text}" for name, text in sorted(delivery.headers.items())))


def _show(
    request: PageRequest,
    form: TriggerForm,
    trigger: Trigger | None,
    sample: SamplePayload,
    *,
    trial: ShownTrial | None = None,
    status: int = 200,
) -> HttpResponse:
    kept = [] if trigger is None else list(trigger.deliveries.exclude(payload="").order_by("-pk")[:OFFERED])
    context = {
        "editor": form,
        "trigger": trigger,
        "sample": sample,
        "trial": trial,
        "targets": targets(),
        "schemes": Trigger.Scheme.choices,
        "algorithms": ALGORITHMS,
        "encodings": list(Encoding),
        "kept": kept,
        "has_secret": trigger is not None and bool(trigger.secret),
    }
    return render(request, "triggers/edit.html", context, status=status)
