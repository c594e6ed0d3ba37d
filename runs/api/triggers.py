"""Endpoints of triggers: list, get, create, change, pause, rotate, delete, and try their expressions."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of, may_launch, may_read
from runs.api.errors import busy, forbidden, invalid, not_found
from runs.api.launches import find_agent, find_template
from runs.api.serializers import answer
from runs.api.trigger_schemas import (
    MappingTrialIn,
    MappingTrialOut,
    NewTrigger,
    SecretRotation,
    TriggerChange,
    TriggerMade,
    TriggerOut,
    TriggerPage,
    trigger_as_json,
)
from runs.engine import control
from runs.engine.control import TriggerCredentials, TriggerRefused, TriggerSettings
from runs.engine.triggers.mapping import MappingBusy
from runs.engine.triggers.payloads import kept_headers
from runs.engine.triggers.signatures import hmac_rules_of
from runs.models import Agent, TaskTemplate, Trigger
from runs.models import permissions as may

router = Router(tags=["Triggers"])

EXAMPLE = (
    '{"name": "Issues", "agent": "Assistant", "task": "Answer the issue {{ title }}.", "scheme": "github", '
    '"inputs": {"title": "body.issue.title"}, "filter": "body.action == \'opened\'"}'
)
TRIAL = (
    '{"task": "Answer the issue {{ title }}.", "inputs": {"title": "body.issue.title"}, '
    '"body": {"issue": {"title": "It rains in"}}}'
)


@router.get("/triggers", auth=may_read, response=TriggerPage, operation_id="list_triggers")
def list_triggers(request: HttpRequest) -> HttpResponse:
    """List your triggers, by name."""
    found = Trigger.objects.filter(user=caller_of(request).user).select_related("agent", "template")
    return answer({"items": [trigger_as_json(each) for each in found], "next": None})


@router.post(
    "/triggers",
    auth=may_launch,
    response={201: TriggerMade},
    operation_id="create_trigger",
    openapi_extra={"x-example": EXAMPLE},
)
def create_trigger(request: HttpRequest, body: NewTrigger) -> HttpResponse:
    """Create a trigger. Its address, and a secret that was made for it, are told once."""
    _check_may_launch(request)
    agent, version, template = _launched(body.agent, body.template, body.version)
    said = TriggerSettings(
        name=body.name,
        agent=agent,
        version=version,
        template=template,
        task=body.task or "",
        inputs=body.inputs,
        filter=body.filter,
        scheme=body.scheme,
        hmac_rules=body.hmac.rules(),
        window_s=body.window_s,
        secret=body.secret,
    )
    trigger, made = _taken(lambda: control.create_trigger(said, user=caller_of(request).user))
    return answer(_made(request, trigger, made), 201, Location=f"/api/v1/triggers/{trigger.pk}")


@router.post(
    "/triggers/try",
    auth=may_read,
    response=MappingTrialOut,
    operation_id="try_trigger",
    openapi_extra={"x-example": TRIAL},
)
def try_trigger(request: HttpRequest, body: MappingTrialIn) -> HttpResponse:
    """What a trigger with these expressions would make of a payload. Launches and stores nothing."""
    _check_may_launch(request)
    root = {"body": body.body, "headers": kept_headers(body.headers.items())}
    template = None if body.template is None else find_template(body.template)[0]
    try:
        trial = control.try_mapping(
            template=template,
            task=body.task or "",
            inputs=body.inputs,
            filter_text=body.filter,
            root=root,
            by=caller_of(request).user,
        )
    except MappingBusy as error:
        raise busy("Too many expressions are evaluated at once.") from error
    faults = {name: str(words) for name, words in trial.faults.items()}
    return answer({"wanted": trial.is_wanted, "values": trial.values, "faults": faults, "task": trial.task or None})


@router.get("/triggers/{uuidstr:trigger_id}", auth=may_read, response=TriggerOut, operation_id="get_trigger")
def get_trigger(request: HttpRequest, trigger_id: str) -> HttpResponse:
    """Get one of your triggers."""
    return answer(trigger_as_json(found_trigger(request, trigger_id)))


@router.patch(
    "/triggers/{uuidstr:trigger_id}",
    auth=may_launch,
    response=TriggerMade,
    operation_id="change_trigger",
    openapi_extra={"x-example": '{"filter": "body.action == \'closed\'"}'},
)
def change_trigger(request: HttpRequest, trigger_id: str, body: TriggerChange) -> HttpResponse:
    """Change what is sent of a trigger. Its address and its log stay."""
    _check_may_launch(request)
    trigger = found_trigger(request, trigger_id)
    said = _changed(trigger, body)
    trigger, made = _taken(lambda: control.change_trigger(trigger.pk, said, by=caller_of(request).user))
    return answer(_made(request, trigger, made))


@router.delete("/triggers/{uuidstr:trigger_id}", auth=may_launch, response={204: None}, operation_id="delete_trigger")
def delete_trigger(request: HttpRequest, trigger_id: str) -> HttpResponse:
    """Delete a trigger with its log. Its runs stay."""
    control.delete_trigger(found_trigger(request, trigger_id).pk, by=caller_of(request).user)
    return HttpResponse(status=204)


@router.post("/triggers/{uuidstr:trigger_id}/pause", auth=may_launch, response=TriggerOut, operation_id="pause_trigger")
def pause_trigger(request: HttpRequest, trigger_id: str) -> HttpResponse:
    """Launch nothing: deliveries are kept, and can be replayed."""
    trigger = found_trigger(request, trigger_id)
    return answer(trigger_as_json(control.pause_trigger(trigger.pk, by=caller_of(request).user)))


@router.post(
    "/triggers/{uuidstr:trigger_id}/resume", auth=may_launch, response=TriggerOut, operation_id="resume_trigger"
)
def resume_trigger(request: HttpRequest, trigger_id: str) -> HttpResponse:
    """Launch again from now on."""
    trigger = found_trigger(request, trigger_id)
    return answer(trigger_as_json(control.resume_trigger(trigger.pk, by=caller_of(request).user)))


@router.post(
    "/triggers/{uuidstr:trigger_id}/address",
    auth=may_launch,
    response=TriggerMade,
    operation_id="rotate_trigger_address",
)
def rotate_trigger_address(request: HttpRequest, trigger_id: str) -> HttpResponse:
    """Give it a new address, which is told once. The old one is unknown at once."""
    trigger = found_trigger(request, trigger_id)
    made = control.rotate_trigger_token(trigger.pk, by=caller_of(request).user)
    return answer(_made(request, found_trigger(request, trigger_id), made))


@router.post(
    "/triggers/{uuidstr:trigger_id}/secret",
    auth=may_launch,
    response=TriggerMade,
    operation_id="rotate_trigger_secret",
    openapi_extra={"x-example": '{"keeps_old": true}'},
)
def rotate_trigger_secret(request: HttpRequest, trigger_id: str, body: SecretRotation) -> HttpResponse:
    """Give it a new secret: that of the request, or a random one, which is told once."""
    trigger, by = found_trigger(request, trigger_id), caller_of(request).user
    rotate = control.rotate_trigger_secret
    made = _taken(lambda: rotate(trigger.pk, secret=body.secret, keeps_old=body.keeps_old, by=by))
    return answer(_made(request, found_trigger(request, trigger_id), made))


def found_trigger(request: HttpRequest, trigger_id: str) -> Trigger:
    """The caller's trigger with its agent and template. Raises `ApiError` 404."""
    found = Trigger.objects.select_related("agent", "template").filter(user=caller_of(request).user)
    trigger = found.filter(pk=UUID(trigger_id)).first()
    if trigger is None:
        raise not_found("trigger")
    return trigger


def _changed(trigger: Trigger, body: TriggerChange) -> TriggerSettings:
    sent = body.dict(exclude_unset=True)
    agent, version, template = trigger.agent, trigger.version, trigger.template
    if body.agent is not None or body.template is not None:
        agent, version, template = _launched(body.agent, body.template, body.version or "")
    elif body.version is not None:
        version = body.version
    if "task" in sent and body.task:
        template = None
    if agent is None:
        raise invalid("agent: It was deleted. Name another one, or a template.")
    kept: dict[str, Any] = {
        name: getattr(trigger, name) for name in ("name", "task", "inputs", "filter", "scheme", "window_s")
    }
    kept |= {name: sent[name] for name in (*kept, "secret") if sent.get(name) is not None}
    rules = hmac_rules_of(trigger.hmac_rules) if body.hmac is None else body.hmac.rules()
    return TriggerSettings(agent=agent, version=version, template=template, hmac_rules=rules, **kept)


def _launched(agent_name: str | None, named: int | str | None, version: str) -> tuple[Agent, str, TaskTemplate | None]:
    if named is not None:
        if agent_name is not None:
            raise invalid("template: It has an agent already; name a version of that with `version`.")
        template, named_version = find_template(named)
        if named_version and version:
            raise invalid("version: Name one version or one label, not both.")
        return template.agent, named_version or version, template
    agent, found_version = find_agent(agent_name)
    if agent is None:
        raise invalid("agent: Name an agent, or a template.")
    if found_version and version:
        raise invalid("version: Name one version or one label, not both.")
    return agent, found_version or version, None


def _taken(work: Callable[[], Any]) -> Any:
    """What `work` returns. Raises `ApiError` 422 with all faults if the control room refuses it."""
    try:
        return work()
    except TriggerRefused as refused:
        fields = {name: str(words) for name, words in refused.faults.items() if name}
        raise invalid(str(refused), fields=fields) from refused
    except Trigger.DoesNotExist as gone:
        raise not_found("trigger") from gone


def _made(request: HttpRequest, trigger: Trigger, made: TriggerCredentials) -> JsonObject:
    address = request.build_absolute_uri(f"/hooks/{made.token}") if made.token else None
    return trigger_as_json(trigger) | {"address": address, "secret": made.secret or None}


def _check_may_launch(request: HttpRequest) -> None:
    if not may.may_launch(caller_of(request).user):
        raise forbidden(str(may.NOT_LAUNCHED))
