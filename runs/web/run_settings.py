"""The settings of runs and agents in words."""

import json
from typing import Any, NamedTuple

from runs.agent.setting import Setting
from runs.live.rendering.formatting import counted_text, dollars, duration_text
from runs.markdown import visible
from runs.models import Agent
from runs.web.setting_labels import amount_words, plain_number


class Fact(NamedTuple):
    """One line: name and value."""

    name: str
    value: str
    is_code: bool = False


def setting_words(setting: Setting, value: Any) -> str:
    """The value of a setting with its unit."""
    match setting.kind:
        case "count" if setting.unit != "second":
            return amount_words(value, setting.unit) if setting.group == "model" else counted_text(value)
        case "count" | "seconds":
            return duration_text(value)
        case "money":
            return dollars(setting.from_json(value))
        case "number":
            return plain_number(value)
        case "choice":
            return str(dict(Agent.ReasoningEffort.choices).get(value, value))
        case "json":
            return visible(json.dumps(value, ensure_ascii=False))
