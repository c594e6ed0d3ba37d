"""The declared words of a setting, and amounts with their unit, in the reader's language."""

from decimal import Decimal
from typing import Final

from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy, ngettext_lazy, pgettext_lazy

from runs.agent.setting import Setting
from runs.languages import localized
from runs.live.rendering.formatting import counted_text
from runs.models.setting_columns import as_sentence

_AMOUNTS: Final = {
    "turn": ngettext_lazy("%(n)s turn", "%(n)s turns", "count"),
    "tool call": ngettext_lazy("%(n)s tool call", "%(n)s tool calls", "count"),
    "repeat": ngettext_lazy("%(n)s repeat", "%(n)s repeats", "count"),
    "child run": ngettext_lazy("%(n)s child run", "%(n)s child runs", "count"),
    "second": ngettext_lazy("%(n)s second", "%(n)s seconds", "count"),
    "token": ngettext_lazy("%(n)s token", "%(n)s tokens", "count"),
}
_UNITS: Final = {
    "turn": pgettext_lazy("unit", "turns"),
    "tool call": pgettext_lazy("unit", "tool calls"),
    "repeat": pgettext_lazy("unit", "repeats"),
    "child run": pgettext_lazy("unit", "child runs"),
    "second": pgettext_lazy("unit", "seconds"),
    "token": pgettext_lazy("unit", "tokens"),
    "dollar": pgettext_lazy("unit", "dollars"),
}


def amount_words(number: Decimal | float, unit: str) -> str:
    """`1 turn`, `1,000 tokens`."""
    return _AMOUNTS[unit] % {"count": int(number), "n": counted_text(int(number))}


def unit_words(unit: str) -> str:
    """The unit in the plural: `turns`."""
    return str(_UNITS[unit])


def label_of(setting: Setting) -> str:
    """The label of its field."""
    return gettext(setting.label)


def fact_label_of(setting: Setting) -> str:
    """Its label where the value has its unit."""
    return gettext(setting.fact_label or setting.label)


def help_of(setting: Setting) -> str:
    """What it is, as a sentence."""
    return as_sentence(gettext(setting.help))


def description_of(setting: Setting) -> str:
    """What it is, in one or two sentences, and its unit if that is seconds."""
    seconds = f"{gettext('Seconds.')} " if setting.kind == "seconds" else ""
    remark = f" {gettext(setting.remark)}" if setting.remark else ""
    return f"{seconds}{help_of(setting)}{remark}"


def empty_meaning(setting: Setting) -> str:
    """What an empty value means; empty if there has to be a value."""
    return gettext(setting.empty) if setting.empty else ""


def plain_number(number: float) -> str:
    """A number without needless zeros, such as `2.5`."""
    return localized(f"{number:g}")


def empty_words(setting: Setting) -> str:
    """What an empty field means, for its placeholder: `Default: 20`, `No limit`."""
    default = setting.default if setting.default is not None else setting.fallback
    if default is not None and default != {}:
        return gettext("Default: %(value)s") % {"value": plain_number(default)}
    return str(_SHORT.get(setting.name) or capfirst(empty_meaning(setting)))


_SHORT: Final = {
    "max_output_tokens": gettext_lazy("The model's most"),
    "context_tokens": gettext_lazy("The model's own"),
    "model_timeout_s": gettext_lazy("No limit of its own"),
    **dict.fromkeys(("reasoning_effort", "temperature", "top_p"), gettext_lazy("The provider's")),
}
"""What an empty field means, where the declaration's words are too long for a placeholder."""
