"""The admin names its models and fields in the reader's language."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.utils import translation

from runs.models import (
    Agent,
    AgentLabel,
    AgentVersion,
    ApiToken,
    Delivery,
    LabelMove,
    Run,
    RunMessage,
    Step,
    TaskTemplate,
    ToolCall,
    Trigger,
)

OF_AGENTS: Final[tuple[type[Model], ...]] = (Agent, AgentLabel, AgentVersion, LabelMove, TaskTemplate)
MODELS: Final[tuple[type[Model], ...]] = (*OF_AGENTS, ApiToken, Delivery, Run, RunMessage, Step, ToolCall, Trigger)
SAME_IN_GERMAN: Final = {
    "version",
    "agent",
    "agents",
    "filter",
    "index",
    "live",
    "name",
    "skills",
    "status",
    "temperature",
    "text",
    "tools",
}
"""Words that German has too, or nearly."""
SAME_EVERYWHERE: Final = {"top p"}
"""The name of the setting at every provider."""


def names_of(model: type[Model], staff: User) -> Iterator[tuple[str, str]]:
    """What names a field, and its label in the active language: in lists, on a row's page, and of filters."""
    shown: Any = admin.site._registry[model]
    request = RequestFactory().get("/")
    request.user = staff
    for name in {*shown.get_list_display(request), *flatten_fieldsets(shown.get_fieldsets(request))}:
        if name in {field.name for field in model._meta.get_fields()} or hasattr(shown, name):
            yield name, str(label_for_field(name, model, shown))
    yield "model", str(model._meta.verbose_name)
    yield "models", str(model._meta.verbose_name_plural)


@pytest.mark.parametrize("language", ["de", "zh-hans"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_and_field_of_the_admin_has_a_name_in_every_language(
    model: type[Model], language: str, staff: User
) -> None:
    with translation.override("en"):
        english = dict(names_of(model, staff))
    with translation.override(language):
        translated = dict(names_of(model, staff))

    same = {label.lower() for name, label in english.items() if translated[name].lower() == label.lower()}
    assert same - SAME_EVERYWHERE <= (SAME_IN_GERMAN if language == "de" else set())


def test_a_run_in_the_admin_is_described_in_german(
    owner: User, staff: User, make_run: Callable[..., Run], browser_of: Callable[[User | None], Client]
) -> None:
    run = make_run(owner)

    page = browser_of(staff).get(f"/admin/runs/run/{run.pk}/change/", headers={"Accept-Language": "de"})

    for label in ("Aufgabe:", "Wartet auf:", "Stopp verlangt:", "Lease bis:"):
        assert label in page.text
    assert "Lauf ansehen" in page.text
    assert "Cancel requested at" not in page.text
