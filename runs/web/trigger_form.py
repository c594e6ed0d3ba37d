"""The form of a trigger: what it launches, how payloads fill its inputs, and how requests are proven."""

from dataclasses import dataclass, field
from typing import Final, Self

from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import MOST_INPUTS, TemplateInput
from runs.agent.wording import Wording
from runs.engine.control import TriggerRefused, TriggerSettings
from runs.engine.triggers.launch_inputs import inputs_of
from runs.engine.triggers.payloads import MOST_HEADERS
from runs.engine.triggers.signatures import HmacRules, hmac_rules_of
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, TaskTemplate, Trigger

INPUT: Final = "input-"
"""Before the names of fields with expressions, so that an input may be called `name`."""
OF_AGENT, OF_TEMPLATE = "agent-", "template-"
"""Before the ids in the values of `launches`."""
WINDOW_DIGITS: Final = 9
NO_TARGET: Final = gettext_lazy("Choose an agent or a template.")


@dataclass(frozen=True, slots=True)
class ExpressionField:
    """The expression of one input."""

    about: TemplateInput
    value: str
    errors: list[str]

    @property
    def id(self) -> str:
        """Of the HTML element."""
        return f"id_{INPUT}{self.about.name}"

    @property
    def name(self) -> str:
        """Of the field."""
        return f"{INPUT}{self.about.name}"


@dataclass(slots=True)
class TriggerForm:
    """A trigger as it is typed."""

    name: str = ""
    launches: str = ""
    """`agent-<id>` for a task of its own, `template-<id>`."""
    version: str = ""
    task: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    filter: str = ""
    scheme: str = Trigger.Scheme.GITHUB
    rules: HmacRules = field(default_factory=HmacRules)
    window_s: str = "300"
    secret: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)
    """By field; of no field under the empty name."""
    agent: Agent | None = None
    template: TaskTemplate | None = None

    @classmethod
    def sent(cls, data: QueryDict) -> Self:
        """The form as it was sent."""
        names = [name for name in data if name.startswith(INPUT)][: MOST_INPUTS + 1]
        rules = {name: data.get(name, "").strip() for name in HmacRules.__slots__}
        return cls(
            name=data.get("name", ""),
            launches=data.get("launches", ""),
            version=data.get("version", ""),
            task=data.get("task", "").replace("\r\n", "\n"),
            inputs={name.removeprefix(INPUT): data.get(name, "") for name in names},
            filter=data.get("filter", ""),
            scheme=data.get("scheme", ""),
            rules=HmacRules(**rules),
            window_s=data.get("window_s", ""),
            secret=data.get("secret", ""),
        ).found()

    @classmethod
    def of_trigger(cls, trigger: Trigger) -> Self:
        """The form of a stored trigger."""
        chosen = ""
        if trigger.template_id is not None:
            chosen = f"{OF_TEMPLATE}{trigger.template_id}"
        elif trigger.agent_id is not None:
            chosen = f"{OF_AGENT}{trigger.agent_id}"
        about = {name: getattr(trigger, name) for name in ("name", "version", "task", "inputs", "filter", "scheme")}
        rules = hmac_rules_of(trigger.hmac_rules)
        return cls(launches=chosen, rules=rules, window_s=str(trigger.window_s), **about).found()

    def found(self) -> Self:
        """The form with the agent and the template that it names."""
        kind, _dash, number = self.launches.rpartition("-")
        pk = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None
        if pk is not None and f"{kind}-" == OF_TEMPLATE:
            self.template = TaskTemplate.objects.select_related("agent").filter(pk=pk, agent__archived_at=None).first()
            self.agent = self.template.agent if self.template is not None else None
        elif pk is not None and f"{kind}-" == OF_AGENT:
            self.agent = Agent.objects.in_use().filter(pk=pk).first()
        return self

    @property
    def expressions(self) -> list[ExpressionField]:
        """The fields of the inputs that there are now."""
        return [
            ExpressionField(each, self.inputs.get(each.name, ""), self.errors.get(f"inputs.{each.name}", []))
            for each in inputs_of(self.template, self.task)[:MOST_INPUTS]
        ]

    @property
    def known_inputs(self) -> dict[str, str]:
        """The expressions of the inputs that there are now: one whose place has gone is left out."""
        return {each.about.name: each.value for each in self.expressions}

    def settings(self) -> TriggerSettings | None:
        """What it says; None with an error if it names no agent."""
        if self.agent is None:
            self.errors["launches"] = [str(NO_TARGET)]
            return None
        window = self.window_s.strip()
        is_number = window.isascii() and window.isdigit() and len(window) <= WINDOW_DIGITS
        return TriggerSettings(
            name=self.name,
            agent=self.agent,
            version=self.version,
            template=self.template,
            task=self.task,
            inputs=self.known_inputs,
            filter=self.filter,
            scheme=self.scheme,
            hmac_rules=self.rules if self.scheme != Trigger.Scheme.TOKEN else HmacRules(id_header=self.rules.id_header),
            window_s=int(window) if is_number else -1,
            secret=self.secret,
        )

    def refuse(self, refused: TriggerRefused) -> None:
        """Show why the control room did not take it."""
        for name, words in refused.faults.items():
            shown = {"agent": "version", "template": "launches", "inputs": ""}.get(name, name)
            self.errors.setdefault(shown, []).append(in_words(words))

    @property
    def other_errors(self) -> list[str]:
        """Those that are at no field that is shown."""
        shown = {"name", "launches", "version", "task", "filter", "scheme", "secret", "window_s"}
        shown |= {*HmacRules.__slots__, *(f"inputs.{each.about.name}" for each in self.expressions)}
        return [words for name, found in self.errors.items() if name not in shown for words in found]


def in_words(words: Wording) -> str:
    """The wording in the language of the page."""
    return refusal_words(ValueError(words))


def targets() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a trigger can launch: by agent, a task of its own, and its templates."""
    templates: dict[int, list[tuple[str, str]]] = {}
    for pk, agent_id, name in TaskTemplate.objects.order_by("name", "pk").values_list("pk", "agent_id", "name"):
        templates.setdefault(agent_id, []).append((f"{OF_TEMPLATE}{pk}", name))
    own = gettext("a task typed here")
    found = Agent.objects.in_use().order_by("name").values_list("pk", "name")
    return [
        (agent, [(value, f"{agent} · {name}") for value, name in ((f"{OF_AGENT}{pk}", own), *templates.get(pk, []))])
        for pk, agent in found
    ]


def sample_headers(text: str) -> JsonObject:
    """The headers typed as `Name: value`, one a line, as a delivery would have them."""
    lines = [line.partition(":") for line in text.split("\n")[:MOST_HEADERS]]
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}
