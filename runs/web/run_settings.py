"""The settings of runs and agents in words."""

import json
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from runs.agent.setting import Setting
from runs.agent_configs.setting_labels import amount_words, plain_number
from runs.live.rendering.formatting import counted_text, dollars, duration_text
from runs.markdown import visible
from runs.models import Agent


class Fact(NamedTuple):
    """One line: name and value."""

    name: str
    value: str
    is_code: bool = False


def span_words(seconds: float) -> str:
    """A duration without parts that are zero: `10 min`, `1 h`, `30 s`."""
    whole = round(seconds)
    for unit_s, words in ((3600, _("%(n)s h")), (60, _("%(n)s min"))):
        if whole >= unit_s and not whole % unit_s:
            return words % {"n": whole // unit_s}
    return _("%(n)s s") % {"n": whole} if seconds == whole and 1 <= whole < 60 else duration_text(seconds)


def setting_words(setting: Setting, value: Any) -> str:
    """The value of a setting with its unit."""
    match setting.kind:
        case "count" if setting.unit != "second":
            return amount_words(value, setting.unit) if setting.group == "model" else counted_text(value)
        case "count" | "seconds":
            return span_words(value)
        case "money":
            return dollars(setting.from_json(value))
        case "number":
            return plain_number(value)
        case "choice":
            return str(dict(Agent.ReasoningEffort.choices).get(value, value))
        case "json":
            return visible(json.dumps(value, ensure_ascii=False))
