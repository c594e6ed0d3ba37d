"""Rules for all templates, checked with Django's own parser and on the tags in their source."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.template import engines
from django.template.base import FilterExpression, Template, Variable

ROOT = Path(__file__).resolve().parents[2] / "templates"
NAMES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))

METHODS = {name for name in dir(dict) if not name.startswith("_")}
"""A template looks up a dictionary's key of that name before the method, and outsiders choose the keys."""
FOREIGN = {"arguments", "proposed_arguments", "tool_input", "tool_output", "output", "replay", "context", "schema"}
"""Values from models, tools and API clients. Views convert them to pairs or text before a template sees them."""
FORM_METHODS = {
    "non_field_errors",
    "errors",
    "fields",
    "media",
    "visible_fields",
    "hidden_fields",
    "as_p",
    "cleaned_data",
}
"""A form, too, is asked for a field of that name first, and arguments are fields."""
OURS = {
    ("accounts/first.html", "form.errors"),
    ("accounts/password.html", "form.errors"),
    ("runs/partials/launch_form.html", "form.errors"),
    ("runs/partials/launch_task.html", "form.errors"),
    ("tools/partials/try_it.html", "form.errors"),
    *(("runs/partials/launch_form.html", f"form.fields.{name}") for name in ("approval.choices", "extra.widget.attrs")),
    ("runs/partials/launch_form.html", "form.fields.reasoning_effort.choices"),
    *(("runs/tokens.html", f"form.fields.{name}.choices") for name in ("scopes", "lifetime")),
}
"""Forms whose field names we choose."""
OF_THE_PLACE = {
    "date",
    "time",
    "localtime",
    "timesince",
    "timeuntil",
    "timezone",
    "localize",
    "floatformat",
    "filesizeformat",
}
"""Filters that use the process' time zone, or the site's language. `run_format` writes UTC and labels it."""


def template(name: str) -> Template:
    return parsed(engines["django"].get_template(name))


def parsed(made: Any) -> Template:
    """Django's template, which the engine has wrapped."""
    found: Template = made.template
    return found


def variables(part: Any, seen: set[int]) -> Iterator[Variable]:
    """Every variable in a parsed template, in any tag or filter."""
    if isinstance(part, Variable):
        yield part
    elif isinstance(part, FilterExpression):
        yield from variables(
            [part.var, *(argument for _, arguments in part.filters for _, argument in arguments)], seen
        )
    elif isinstance(part, list | tuple):
        for each in part:
            yield from variables(each, seen)
    elif isinstance(part, dict):
        yield from variables(list(part.values()), seen)
    elif type(part).__module__.startswith("django.template") and id(part) not in seen:
        seen.add(id(part))
        yield from variables([each for name, each in getattr(part, "__dict__", {}).items() if name != "origin"], seen)


def lookups(nodes: Any) -> set[tuple[str, ...]]:
    """The parts of each variable's name: `call.arguments` is ("call", "arguments")."""
    return {tuple(each.lookups) for each in variables(nodes, set()) if each.lookups}


def test_the_parser_finds_what_a_template_looks_up() -> None:
    source = "{% for a, b in x.arguments.items %}{% if a.0 == y|default:z.keys %}{{ b.get }}{% endif %}{% endfor %}"

    found = lookups(parsed(engines["django"].from_string(source)).nodelist)

    assert {".".join(each) for each in found} >= {"x.arguments.items", "a.0", "b.get", "z.keys"}


def test_no_template_calls_a_method_of_a_dictionary_or_looks_into_what_comes_from_outside() -> None:
    wrong = []
    for name in NAMES:
        for found in sorted(lookups(template(name).nodelist)):
            methods = set(found[1:]) & METHODS
            into_foreign = set(found[:-1]) & FOREIGN
            of_form = found[0] in ("form", "follow_up") and set(found[1:2]) & FORM_METHODS
            by_number = any(part.isdecimal() for part in found[1:])
            if (methods or into_foreign or of_form or by_number) and (name, ".".join(found)) not in OURS:
                wrong.append(f"{name}: {'.'.join(found)}")

    assert wrong == []


def test_no_template_writes_by_the_zone_or_the_language_of_the_process() -> None:
    used = [f"{name}: {found}" for name in NAMES for found in re.findall(r"\|\s*(\w+)", (ROOT / name).read_text())]

    assert [each for each in used if each.rpartition(" ")[2] in OF_THE_PLACE] == []


FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
LAUNCHES = re.compile("runs:(?:history|continue|cancel|tokens)\\b")
"""The URL names that forms which launch post to. A run's page has one form, sent to "cancel", with a button to run
it again."""
HARMLESS = {"partials/account_items.html"}
"""Signing out twice has the effect of signing out once."""


def forms() -> list[tuple[str, str]]:
    found = [(name, form) for name in NAMES for form in FORM.findall((ROOT / name).read_text())]
    return [(name, form) for name, form in found if 'method="post"' in form]


def test_every_form_that_changes_something_is_sent_once() -> None:
    wrong = []
    for name, form in forms():
        tag = form.partition("{% csrf_token %}")[0]  # Those of a decision link have none: its token proves them.
        if name not in HARMLESS and "data-submit-once" not in tag:
            wrong.append(f"{name}: without htmx it is sent twice")
        if "hx-post" in tag and 'hx-sync="this:drop"' not in tag:
            wrong.append(f"{name}: htmx sends it twice")
        if "inbox" not in name and LAUNCHES.search(tag) and '{% include "partials/once.html" %}' not in form:
            wrong.append(f"{name}: what it launches is launched twice")

    assert wrong == []


def test_there_are_forms_to_look_at() -> None:
    assert len(forms()) >= 10
