"""An agent's ceilings in the launch form of a user who may not change the agent."""

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from runs.agent.all_settings import LAUNCHED
from runs.agent.setting import Setting
from runs.agent.text import dollars_text
from runs.agent_configs.setting_labels import amount_words, empty_meaning, plain_number
from runs.engine.control import Ceilings
from runs.live.rendering.formatting import counted_text, dollars_in
from runs.models import Agent
from runs.web.run_settings import setting_words

_NUMBERS: Final = tuple(each for each in LAUNCHED if each.is_capped and each.kind in ("count", "money"))
"""Capped settings with a number field in the launch form."""
_DEFAULTS: Final = {
    "the default": gettext_lazy("The default"),
    "the provider's default": gettext_lazy("The provider's default"),
}
"""By the meaning of an empty value, its name where it stands alone: in German its form in a sentence is another one."""


def show_own(form: forms.Form, agent: Agent) -> None:
    """Show in each field what it means if it is empty: the agent's own value, or that there is none."""
    for name, words in defaults_of(agent).items():
        field = form.fields[name]
        if isinstance(field, forms.ChoiceField):
            choices: Any = field.choices
            field.choices = [("", words), *list(choices)[1:]]
        else:
            field.widget.attrs["placeholder"] = words


def defaults_of(agent: Agent) -> dict[str, str]:
    """By field, what an empty one means: static/ceilings.js shows it when another agent is chosen."""
    models = ", ".join(map(str, agent.model_names or ["offline"]))
    words = {"model": models, "approval": _in_sentence(Agent.Approval(agent.approval).label)}
    own = {name: _("Default: %(value)s") % {"value": value} for name, value in words.items()}
    return own | {each.public: _words_of_empty(each, agent) for each in LAUNCHED}


def _words_of_empty(setting: Setting, agent: Agent) -> str:
    own = getattr(agent, setting.agent_column)
    value = (setting.default or setting.fallback) if own in (None, "", {}) else own
    if value in (None, "", {}):
        if setting.empty in _DEFAULTS:
            return str(_DEFAULTS[setting.empty])
        return _("Default: %(value)s") % {"value": empty_meaning(setting) or _("none")}
    # What is typed there are seconds: "10 min" would invite to type 10.
    shown = plain_number(value) if setting.unit == "second" else setting_words(setting, value)
    return _("Default: %(value)s") % {"value": shown}


def show_in(form: forms.Form, ceilings: Ceilings) -> None:
    """Set each number field's ceiling as `max`, and its absolute maximum as `data-most`."""
    for each in _NUMBERS:
        attributes = form.fields[each.public].widget.attrs
        if "max" in attributes:
            attributes["data-most"] = attributes["max"]
        if each.name in ceilings:
            attributes["max"] = ceilings[each.name]


def numbers_in(ceilings: Ceilings) -> dict[str, Any]:
    """The ceilings of number fields, by field: static/ceilings.js applies them when another agent is chosen."""
    return {each.public: ceilings[each.name] for each in _NUMBERS if each.name in ceilings}


def words_about(agent: Agent | None, ceilings: Ceilings) -> str:
    """The ceilings as a sentence; empty if there are none."""
    parts = list(_parts(ceilings))
    if agent is None or not parts:
        return ""
    return _("%(agent)s allows at most %(most)s.") % {"agent": agent, "most": ", ".join(parts)}


def _parts(ceilings: Ceilings) -> Iterator[str]:
    for each in _NUMBERS:
        if each.name in ceilings:
            yield _amount(each, ceilings[each.name])
    if "reasoning_effort" in ceilings:
        effort = dict(Agent.ReasoningEffort.choices)[ceilings["reasoning_effort"]]
        yield _("the effort %(effort)s") % {"effort": _in_sentence(effort)}
    if "models" in ceilings:
        models = ceilings["models"]
        yield ngettext("the model %(names)s", "the models %(names)s", len(models) or 1) % {"names": _names(models)}
    if ceilings.get("tools") is not None:
        tools = ceilings["tools"]
        yield _("the tools %(names)s") % {"names": _names(tools)} if tools else _("no tools")


def _in_sentence(label: object) -> str:
    """A label within a sentence: only its first letter is another one, since German nouns begin with a capital."""
    words = str(label)
    return words[:1].lower() + words[1:]


def _names(names: Iterable[object]) -> str:
    """`a and b`; empty for none."""
    shown = [str(name) for name in names] or [""]
    return reduce(lambda first, last: _("%(first)s and %(last)s") % {"first": first, "last": last}, shown)


def _amount(setting: Setting, ceiling: Any) -> str:
    if setting.kind == "money":
        return dollars_in(dollars_text(float(ceiling)).removeprefix("$"))
    if setting.group == "model":
        return ngettext("%(n)s token a reply", "%(n)s tokens a reply", ceiling) % {"n": counted_text(ceiling)}
    return amount_words(ceiling, setting.unit)
