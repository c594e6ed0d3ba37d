"""The templates of an agent in its file: written, checked and stored as a whole."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType
from runs.engine.task_templates.template_storage import TemplateRefused, checked_template
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, TaskTemplate

KEY: Final = "templates"
"""The key of a file. A file without it says nothing about templates."""
MOST_TEMPLATES: Final = 500
"""Templates of one agent in a file."""
EXACT: Final = (str, int, float)
"""The types of a value whose digits count."""
TEMPLATE_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "description": (str,),
    "task": (str,),
    "inputs": (list,),
}
INPUT_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "type": (str,),
    "label": (str,),
    "help": (str,),
    "required": (bool,),
    "default": EXACT,
    "max_length": (int,),
    "choices": (list,),
    "minimum": EXACT,
    "maximum": EXACT,
    "integer": (bool,),
}
"""The keys of a template and of an input, and the types of their values."""
_TYPE_WORDS: Final[dict[tuple[type, ...], Promise]] = {
    (str,): gettext_lazy("a text"),
    (bool,): gettext_lazy("true or false"),
    (int,): gettext_lazy("a whole number"),
    (list,): gettext_lazy("a list"),
    EXACT: gettext_lazy("a text or a number"),
}


class TemplatesRefused(ValueError):
    """The templates of a file cannot be stored; `faults` says why, a sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def templates_of(agent: Agent) -> list[JsonObject]:
    """The templates of an agent by name, as in its file. Parts that are empty have no key."""
    return [template_as_written(each) for each in sorted(agent.templates.all(), key=lambda each: each.name)]


def template_as_written(template: TaskTemplate) -> JsonObject:
    """One template, as in the file of its agent."""
    told = {name: getattr(template, name) for name in TEMPLATE_KEYS}
    return {name: value for name, value in told.items() if value not in ("", [])}


def checked_templates(listed: Any) -> list[TaskTemplate]:
    """The templates of a file, by name, in rows that are not saved. Raises `TemplatesRefused` with all faults."""
    if not isinstance(listed, list) or len(listed) > MOST_TEMPLATES:
        raise TemplatesRefused([_("“templates” is a list of at most %(most)s templates.") % {"most": MOST_TEMPLATES}])
    faults: list[str] = []
    checked: dict[str, TaskTemplate] = {}
    for at, given in enumerate(listed, start=1):
        if found := list(_shape_faults(given)):
            faults += [_in_template(_named(given, at), words) for words in found]
            continue
        try:
            template = checked_template(TaskTemplate(), **{"description": "", "inputs": []} | given)
        except TemplateRefused as refused:
            faults += [_in_template(_named(given, at), words) for words in _refusals(refused)]
            continue
        if template.name in checked:
            faults.append(_("The template “%(name)s” appears twice.") % {"name": template.name})
        checked[template.name] = template
    if faults:
        raise TemplatesRefused(faults)
    return [checked[name] for name in sorted(checked)]


def store_templates(agent: Agent, templates: list[TaskTemplate]) -> None:
    """Let the agent have these templates and no others; one of the same name is changed, and keeps its id.

    The caller's transaction holds the lock of the agent's row.
    """
    kept = {each.name: each for each in agent.templates.select_for_update()}
    names = {each.name for each in templates}
    agent.templates.exclude(name__in=names).delete()
    for each in templates:
        row = kept.get(each.name, TaskTemplate(agent=agent))
        if each.name in kept and template_as_written(row) == template_as_written(each):
            continue
        for name in TEMPLATE_KEYS:
            setattr(row, name, getattr(each, name))
        row.save()


def _named(given: Any, at: int) -> str:
    """The name of a template, or its place in the list."""
    name = given.get("name") if isinstance(given, dict) else None
    return name[:80] if isinstance(name, str) and name else str(at)


def _in_template(name: str, words: str) -> str:
    return _("Template “%(name)s”: %(words)s") % {"name": name, "words": words}


def _shape_faults(given: Any) -> Iterator[str]:
    """Unknown keys, and values of a wrong type, of a template and its inputs."""
    if not isinstance(given, dict):
        yield _("A template is an object, such as {“name”: “Essay”, “task”: “Write.”}.")
        return
    yield from _key_faults(given, TEMPLATE_KEYS, "")
    yield from (_("It needs a “%(key)s”.") % {"key": key} for key in ("name", "task") if key not in given)
    listed = given.get("inputs")
    for at, each in enumerate(listed if isinstance(listed, list) else (), start=1):
        place = f"inputs.{at}."
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            yield _("“%(key)s” is an object with a “name”.") % {"key": place.rstrip(".")}
            continue
        yield from _key_faults(each, INPUT_KEYS, place)
        if each.get("type", InputType.TEXT) not in list(InputType):
            yield _("“%(key)s” is one of %(kinds)s.") % {"key": f"{place}type", "kinds": ", ".join(InputType)}
        if not all(isinstance(choice, str) for choice in _listed(each.get("choices"))):
            yield _("“%(key)s” is a list of texts.") % {"key": f"{place}choices"}


def _key_faults(given: Mapping[Any, Any], keys: Mapping[str, tuple[type, ...]], place: str) -> Iterator[str]:
    for key, value in given.items():
        if key not in keys:
            yield _("There is no “%(key)s” here.") % {"key": f"{place}{str(key)[:80]}"}
        elif not isinstance(value, keys[key]) or (isinstance(value, bool) and bool not in keys[key]):
            yield _("“%(key)s” is %(kind)s.") % {"key": f"{place}{key}", "kind": _TYPE_WORDS[keys[key]]}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _refusals(refused: TemplateRefused) -> Iterator[str]:
    for name, found in refused.faults.by_field.items():
        yield from (f"{name}: {refusal_words(ValueError(words))}" for words in found)
    for fault in refused.faults.of_inputs:
        place = f"inputs.{fault.name}.{fault.key}" if fault.name else "inputs"
        yield f"{place}: {refusal_words(ValueError(fault.words))}"
