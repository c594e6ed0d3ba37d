"""Request and response schemas of triggers and their deliveries."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import MOST_INPUTS
from runs.agent.wording import read_parts
from runs.api.request_schemas import InputValues, StrictSchema, TemplateNamed, Text
from runs.api.response_schemas import RUN_ID, Sent, TemplateRef
from runs.engine.triggers.mapping_limits import MAX_CHARS
from runs.engine.triggers.signatures import HmacRules, hmac_rules_of
from runs.models import Delivery, Trigger
from runs.models.as_json import as_utc

TRIGGER_ID = "4f8d2c1a-6b3e-4d57-8f90-a1b2c3d4e5f6"
DELIVERY_ID = "9c3e7b5a-1d2f-4a68-b0c1-d2e3f4a5b6c7"

Scheme = Literal["github", "slack", "standard", "hmac", "token"]
_Expression = Annotated[Text, Field(max_length=MAX_CHARS)]
_Expressions = Annotated[
    dict[Annotated[Text, Field(max_length=40)], _Expression],
    Field(
        max_length=MOST_INPUTS,
        description="The JMESPath expression of each input; it reads `body` and `headers`.",
        examples=[{"title": "body.issue.title"}],
    ),
]
_Filter = Annotated[
    _Expression,
    Field(description="A JMESPath expression that must be true.", examples=["body.action == 'opened'"]),
]
_Name = Annotated[Text, Field(min_length=1, max_length=80)]
_Agent = Annotated[Text, Field(min_length=1, max_length=121, description="`Clerk`, `Clerk@3`, `Clerk@production`.")]
_Task = Annotated[Text, Field(description="With `{{ name }}` for the value of each input. Not with a `template`.")]
_Template = Annotated[TemplateNamed, Field(description="Its id, or `agent/name`, in place of `agent` and `task`.")]
_Version = Annotated[Text, Field(max_length=40, description="With a `template`: a version of its agent, or a label.")]
_Secret = Annotated[
    Text,
    Field(max_length=500, description="Of its signatures; without one it is random. That of Slack has to be sent."),
]
_Window = Annotated[
    int, Field(ge=0, le=86_400, description="How long the same body is the same delivery, where none is named.")
]


class HmacIn(StrictSchema):
    """How a plain HMAC of the body is sent; `id_header` also of the scheme `token`."""

    header: Annotated[Text, Field(max_length=100)] = "X-Signature-256"
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[Text, Field(max_length=100)] = ""
    id_header: Annotated[Text, Field(max_length=100, description="The header that names the delivery.")] = ""

    def rules(self) -> HmacRules:
        """As the engine has them."""
        return HmacRules(**self.dict())


class NewTrigger(StrictSchema):
    """A new trigger."""

    name: _Name
    agent: _Agent | None = None
    task: _Task | None = None
    template: _Template | None = None
    version: _Version = ""
    inputs: _Expressions = {}
    filter: _Filter = ""
    scheme: Scheme
    hmac: HmacIn = HmacIn()
    window_s: _Window = 300
    secret: _Secret = ""


class TriggerChange(StrictSchema):
    """Changes of a trigger: only what is sent; `inputs` as a whole."""

    name: _Name | None = None
    agent: _Agent | None = None
    task: _Task | None = None
    template: _Template | None = None
    version: _Version | None = None
    inputs: _Expressions | None = None
    filter: _Filter | None = None
    scheme: Scheme | None = None
    hmac: HmacIn | None = None
    window_s: _Window | None = None
    secret: _Secret | None = None


class SecretRotation(StrictSchema):
    """A new secret."""

    secret: _Secret = ""
    keeps_old: Annotated[bool, Field(description="The one before is good for one more day.")] = True


class MappingTrialIn(StrictSchema):
    """Expressions, and what to try them on."""

    template: _Template | None = None
    task: _Task | None = None
    inputs: _Expressions = {}
    filter: _Filter = ""
    body: Annotated[InputValues | list[object] | str | float | bool | None, Field(description="The payload.")] = None
    headers: Annotated[dict[Text, Text], Field(max_length=40)] = {}


class MappingTrialOut(Sent):
    """What would come of a delivery."""

    wanted: Annotated[bool, Field(description="False if the filter is not true, or has a fault.")]
    values: JsonObject
    faults: Annotated[dict[str, str], Field(description="By input, and that of the filter under `filter`.")]
    task: Annotated[str | None, Field(description="Of the run; null if nothing would be launched.")]


class TriggerOut(Sent):
    """A trigger."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[TRIGGER_ID])]
    name: str
    agent: Annotated[str | None, Field(description="Null after its end: then nothing is launched.")]
    version: str
    template: TemplateRef | None
    task: Annotated[str | None, Field(description="Null with a template.")]
    inputs: dict[str, str]
    filter: str
    scheme: Scheme
    hmac: HmacIn
    window_s: int
    address_prefix: Annotated[str, Field(description="The beginning of its address.", examples=["/hooks/agh_x7Qp1kLs"])]
    paused: bool
    old_secret_until: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class TriggerMade(TriggerOut):
    """A trigger with what is told once."""

    address: Annotated[str | None, Field(description="Told once; null if it has not changed.")]
    secret: Annotated[str | None, Field(description="Told once; null if you have chosen it, or it has not changed.")]


class TriggerPage(Sent):
    """Your triggers, by name."""

    items: list[TriggerOut]
    next: Annotated[str | None, Field(description="Always null: they fit on one page.")]


class DeliveryListed(Sent):
    """A delivery in a list."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[DELIVERY_ID])]
    trigger_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[TRIGGER_ID])]
    state: Literal["launched", "filtered", "unmapped", "refused", "paused", "answered"]
    reason: Annotated[str, Field(description="Why nothing was launched; empty for a launch.")]
    run_id: Annotated[str | None, Field(json_schema_extra={"format": "uuid"}, examples=[RUN_ID])]
    event: Annotated[str, Field(description="In the sender's words.", examples=["push"])]
    key: Annotated[str, Field(description="The sender's name of it; empty without one.")]
    size: Annotated[int, Field(description="Of the payload as it came, in bytes.")]
    repeats: Annotated[int, Field(description="How often it came again, without effect.")]
    replay_of: Annotated[str | None, Field(json_schema_extra={"format": "uuid"})]
    received_at: AwareDatetime


class DeliveryOut(DeliveryListed):
    """A delivery."""

    headers: dict[str, str]
    body: Annotated[object, Field(description="The payload, without secrets; null once it is no longer kept.")]
    kept: Annotated[bool, Field(description="True while its payload is kept, so that it can be replayed.")]


class DeliveryPage(Sent):
    """Deliveries, newest first."""

    items: list[DeliveryListed]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


def trigger_as_json(trigger: Trigger) -> JsonObject:
    """The trigger. Reads `agent` and `template`: select them with many."""
    template = trigger.template
    until = trigger.old_secret_until
    return {
        "id": str(trigger.pk),
        "name": trigger.name,
        "agent": None if trigger.agent is None else trigger.agent.name,
        "version": trigger.version,
        "template": None if template is None else {"id": template.pk, "name": template.name},
        "task": trigger.task or None,
        "inputs": trigger.inputs,
        "filter": trigger.filter,
        "scheme": trigger.scheme,
        "hmac": hmac_rules_of(trigger.hmac_rules).as_json(),
        "window_s": trigger.window_s,
        "address_prefix": f"/hooks/{trigger.token_prefix}",
        "paused": trigger.is_paused,
        "old_secret_until": None if until is None else as_utc(until),
        "created_at": as_utc(trigger.created_at),
        "updated_at": as_utc(trigger.updated_at),
    }


def delivery_as_json(delivery: Delivery) -> JsonObject:
    """The delivery as a list shows it. Reads `replay_of`: select it with many."""
    earlier = delivery.replay_of
    return {
        "id": str(delivery.uid),
        "trigger_id": str(delivery.trigger_id),
        "state": delivery.state,
        "reason": " ".join(each.words() for each in read_parts(delivery.reason)),
        "run_id": None if delivery.run_id is None else str(delivery.run_id),
        "event": delivery.event,
        "key": delivery.key,
        "size": delivery.payload_bytes,
        "repeats": delivery.repeats,
        "replay_of": None if earlier is None else str(earlier.uid),
        "received_at": as_utc(delivery.received_at),
    }


def whole_delivery(delivery: Delivery) -> JsonObject:
    """The delivery with its payload."""
    is_kept = bool(delivery.payload)
    told = {"headers": delivery.headers, "body": delivery.body if is_kept else None, "kept": is_kept}
    return delivery_as_json(delivery) | told
