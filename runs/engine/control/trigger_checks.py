"""What a trigger may be: all faults of its settings, before anything is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from asgiref.sync import async_to_sync

from runs.agent.json_data.json_values import check_storable_json
from runs.agent.task_templates.inputs import MOST_INPUTS, TemplateInput
from runs.agent.task_templates.places import read_task
from runs.agent.wording import Wording
from runs.engine.control.agent_changes import AgentRefused
from runs.engine.control.agent_choice import choice_of
from runs.engine.triggers.launch_inputs import inputs_of
from runs.engine.triggers.mapping import FILTER, MappingBusy, expression_faults
from runs.engine.triggers.signatures import ALGORITHMS, Encoding, HmacRules, Scheme
from runs.models import Agent, TaskTemplate, Trigger
from runs.models.bounds import MAX_TASK_BYTES
from runs.models.permissions import NOT_LAUNCHED, may_launch

MAX_NAME_CHARS: Final = 80
MAX_WINDOW_S: Final = 86_400
MAX_RULE_CHARS: Final = 100
SECRET_NEEDED: Final = Wording("Copy the signing secret of your app from Slack.")
SECRET_UNFIT: Final = Wording(
    "Signatures cannot be made with it: 8 to 500 characters; of Standard Webhooks whsec_ and base64."
)


class TriggerRefused(ValueError):
    """Nothing is stored. `faults` has a `Wording` for each field, an input as `inputs.<name>`, and those of none under
    the empty name."""

    def __init__(self, faults: dict[str, Wording]) -> None:
        super().__init__("\n".join(f"{name}: {words}" if name else words for name, words in faults.items()))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSettings:
    """What a person says of a trigger."""

    name: str
    agent: Agent
    version: str = ""
    template: TaskTemplate | None = None
    task: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The expression of each input."""
    filter: str = ""
    scheme: str
    hmac_rules: HmacRules = field(default_factory=HmacRules)
    window_s: int = 300
    secret: str = ""
    """Of its signatures; empty for a random one, or the one it has."""


def checked(trigger: Trigger, said: TriggerSettings) -> dict[str, Wording]:
    """The faults of the settings, which are set in `trigger`; empty if it may be stored."""
    trigger.name, trigger.version = said.name.strip(), said.version.strip()
    trigger.agent, trigger.template = said.agent, said.template
    trigger.task = "" if said.template is not None else said.task.replace("\r\n", "\n")
    trigger.filter = said.filter.strip()
    trigger.scheme, trigger.window_s = said.scheme, said.window_s
    trigger.hmac_rules = said.hmac_rules.as_json()
    inputs = inputs_of(said.template, trigger.task)
    known = {each.name for each in inputs}
    trigger.inputs = {name: text.strip() for name, text in said.inputs.items() if name in known and text.strip()}
    faults = (
        _faults_of_names(trigger) | _faults_of_launch(trigger, said) | _faults_of_signature(trigger, said.hmac_rules)
    )
    for name in said.inputs.keys() - known:
        faults[f"inputs.{name}"] = Wording("There is no such input.")
    return faults | _faults_of_expressions(trigger, inputs)


def _faults_of_names(trigger: Trigger) -> dict[str, Wording]:
    faults = {}
    for name in ("name", "task", "inputs", "filter", "version"):
        try:
            check_storable_json(getattr(trigger, name))
        except ValueError:
            faults[name] = Wording("It has a character that cannot be stored.")
    if not trigger.name:
        faults["name"] = Wording("Give it a name.")
    elif len(trigger.name) > MAX_NAME_CHARS:
        faults["name"] = Wording("At most %(most)s characters.", most=MAX_NAME_CHARS)
    return faults


def _faults_of_launch(trigger: Trigger, said: TriggerSettings) -> dict[str, Wording]:
    if not may_launch(trigger.user):
        return {"": Wording.paragraph(str(NOT_LAUNCHED))}
    try:
        choice_of(said.agent, trigger.version, by=trigger.user)
    except AgentRefused as refused:
        return {"agent": refused.args[0]}
    if said.template is not None:
        fits = said.template.agent_id == said.agent.pk
        return {} if fits else {"template": Wording("The template is one of another agent.")}
    if not trigger.task.strip():
        return {"task": Wording("Type what the agent should do, or choose a template.")}
    if len(trigger.task.encode(errors="replace")) > MAX_TASK_BYTES:
        most = MAX_TASK_BYTES // 1024
        return {"task": Wording("The task is longer than the %(most)s KiB that are taken.", most=most)}
    text = read_task(trigger.task)
    if text.faults:
        return {"task": text.faults[0].words}
    if len(text.places) > MOST_INPUTS:
        return {"task": Wording("A task has at most %(most)s inputs.", most=MOST_INPUTS)}
    return {}


def _faults_of_signature(trigger: Trigger, rules: HmacRules) -> dict[str, Wording]:
    faults = {}
    if trigger.scheme not in list(Scheme):
        faults["scheme"] = Wording("Choose how its requests are proven.")
    if rules.algorithm not in ALGORITHMS:
        faults["algorithm"] = Wording("One of these values is needed: %(choices)s.", choices=", ".join(ALGORITHMS))
    if rules.encoding not in list(Encoding):
        faults["encoding"] = Wording("One of these values is needed: %(choices)s.", choices=", ".join(Encoding))
    if not is_header_name(rules.header):
        faults["header"] = Wording("A header has letters, digits and hyphens, such as X-Signature-256.")
    if rules.id_header and not is_header_name(rules.id_header):
        faults["id_header"] = Wording("A header has letters, digits and hyphens, such as X-Signature-256.")
    if len(rules.prefix) > MAX_RULE_CHARS or not rules.prefix.isprintable() or not rules.prefix.isascii():
        faults["prefix"] = Wording("At most %(most)s characters.", most=MAX_RULE_CHARS)
    if not 0 <= trigger.window_s <= MAX_WINDOW_S:
        faults["window_s"] = Wording("From 0 to %(most)s seconds.", most=MAX_WINDOW_S)
    return faults


def is_header_name(text: str) -> bool:
    """True for a name that HTTP allows, without an underscore: servers leave such headers out."""
    signs = text.replace("-", "")
    return 0 < len(text) <= MAX_RULE_CHARS and signs.isascii() and signs.isalnum()


def _faults_of_expressions(trigger: Trigger, inputs: Any) -> dict[str, Wording]:
    faults: dict[str, Wording] = {}
    for each in inputs:
        if each.name not in trigger.inputs and _needs_one(each):
            faults[f"inputs.{each.name}"] = Wording("It needs an expression: it has no default.")
    asked = {f"inputs.{name}": text for name, text in trigger.inputs.items()}
    if trigger.filter:
        asked[FILTER] = trigger.filter
    if asked:
        try:
            faults |= async_to_sync(expression_faults)(asked)
        except MappingBusy:
            faults[""] = Wording("Too much is going on here at once. Try it again in a moment.")
    return faults


def _needs_one(each: TemplateInput) -> bool:
    return each.required and not each.default
