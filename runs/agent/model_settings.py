"""The settings of a model request: reasoning effort, sampling, length of the reply, extra JSON."""

from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, get_args

from runs.agent.extra_settings import extra_fault
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.marked_words import words
from runs.agent.setting import Setting, declared, settings_of
from runs.agent.tools.validation import shortened

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""From none to the maximum. Mapped to the closest value of each provider's own setting."""
EFFORTS: Final[tuple[str, ...]] = get_args(ReasoningEffort)

_setting = partial(Setting, group="model", empty=words("the provider's default"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """The settings of one request; None: the provider's default. Raises `ValueError` for a value out of range."""

    reasoning_effort: ReasoningEffort | None = field(
        default=None,
        metadata=declared(
            _setting(
                kind="choice",
                label=words("Reasoning effort"),
                help=words("How much its models think before they answer"),
                choices=EFFORTS,
                is_capped=True,
            )
        ),
    )
    temperature: float | None = field(
        default=None,
        metadata=declared(
            _setting(
                kind="number",
                label=words("Temperature"),
                help=words("From 0, the likeliest words, to 2. Models that reason refuse it, as a rule"),
                least=0,
                most=2,
                step=0.1,
            )
        ),
    )
    top_p: float | None = field(
        default=None,
        metadata=declared(
            _setting(
                kind="number",
                label=words("Top p"),
                help=words(
                    "The share of likely words that are chosen from, above 0 and at most 1. Set it or the "
                    "temperature, not both"
                ),
                least=0,
                excludes_least=True,
                most=1,
                step=0.05,
                column_label=words("top p"),
            )
        ),
    )
    max_output_tokens: int | None = field(
        default=None,
        metadata=declared(
            _setting(
                kind="count",
                label=words("Largest reply, in tokens"),
                help=words("The longest reply in tokens, reasoning included"),
                empty=words("the most the model can"),
                unit="token",
                least=1,
                most=1_000_000_000,
                fact_label=words("Largest reply"),
                is_capped=True,
            )
        ),
    )
    extra: JsonMapping = field(
        default_factory=dict,
        metadata=declared(
            _setting(
                kind="json",
                label=words("Further settings, as JSON"),
                help=words(
                    'Members that are added to every request as they are, for what a server wants beyond: {"top_k": 40}'
                ),
                empty="",
                remark=words("Those that would overrule the run (model, messages, tools, stream …) are refused."),
                column="extra_settings",
                fact_label=words("Further settings"),
                is_capped=True,
            )
        ),
    )
    """Refused members: see `extra_settings.py`."""

    def __post_init__(self) -> None:
        for setting in MODEL_SETTINGS:
            if fault := setting_fault(setting, getattr(self, setting.name)):
                raise ValueError(f"{setting.name} {fault}.")


MODEL_SETTINGS: Final = settings_of(ModelSettings)


def setting_fault(setting: Setting, value: object) -> str | None:
    """Why a setting cannot have this value, as the end of a sentence: "must be from 0 to 2, not 3". None if it can.

    The text is the same in Python, commands and API; forms and admin say it in the reader's language. The value None
    is always valid: the agent's own or the default applies.
    """
    if value is None:
        return None
    if setting.kind == "json":
        return extra_fault(value)
    if setting.accepts(value):
        return None
    return f"must be {setting.wanted}, not {told_value(value)}"  # not translated: see runs/models/bounds.py


def told_value(value: object) -> str:
    """The refused value as entered, shortened: a form turns 3 into 3.0."""
    return shortened(int(value) if isinstance(value, float) and value.is_integer() else value)


PROVIDER_DEFAULTS = ModelSettings()
"""Settings without any value."""
