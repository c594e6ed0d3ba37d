"""Allowed queries of the admin's lists: their own filters and links, and a search of a few words."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import CharField, JSONField, TextField

from runs.models import Agent, ApiToken, Run

MODELS = [model for model in admin.site._registry if model._meta.app_label in ("auth", "runs")]

LOOKUPS = ("regex", "iregex", "contains", "startswith", "gt", "in")


def of(model: Any) -> str:
    """The address of a model's list."""
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


@pytest.mark.parametrize("model", MODELS, ids=of)
def test_no_text_is_looked_up_by_any_means_but_a_filter(model: Any, staff: User, browser_of: Any) -> None:
    browser = browser_of(staff)
    fields = [each for each in model._meta.fields if isinstance(each, CharField | TextField | JSONField)]

    asked = [f"{each.name}__{lookup}" for each in fields for lookup in LOOKUPS]
    answers = {each: browser.get(of(model), {each: "(a+)+$"}) for each in asked}

    assert {name: (each.status_code, each["Location"]) for name, each in answers.items()} == {
        name: (302, f"{of(model)}?e=1") for name in answers
    }
    assert "cannot be filtered like that" in browser.get(f"{of(model)}?e=1").content.decode()


@pytest.mark.parametrize(
    "asked",
    [
        "auth/user/?password=x",
        "auth/user/?groups__permissions__codename__regex=x",
        "runs/apitoken/?token_hash=x",
        "runs/apitoken/?user__password__startswith=x",
        "runs/run/?user__password=x",
        "runs/run/?steps__replay__contains=x",
        "runs/run/?created_at__year__regex=x",
        "runs/step/?replay__contains=x",
        "runs/step/?run__task__regex=x",
        "runs/step/?start__regex=x",
        "runs/toolcall/?tool_name__regex=x",
        "runs/agent/?nothing=x",
        "runs/run/?q=" + "+".join(["a"] * 1100),
        "auth/user/?q=" + "a" * 10_000,
        "runs/run/?" + "&".join(["status__exact=failed"] * 900),
        "runs/run/?o=" + ".".join(["1"] * 3000),
    ],
    ids=lambda asked: asked[:50],
)
def test_what_a_list_does_not_offer_leads_back_to_all_of_it(asked: str, staff: User, browser_of: Any) -> None:
    for again in ("", "&e=1"):
        answer = browser_of(staff).get(f"/admin/{asked}{again}")

        assert answer.status_code == (200 if again else 302)


@pytest.mark.parametrize("chosen", ["\0", "x", "99999999999999999999999", "-1"])
def test_an_action_on_what_cannot_be_chosen_changes_nothing(chosen: str, admin_client: Any) -> None:
    agents = Agent.objects.count()

    for path in ("auth/user/", "auth/group/", "runs/agent/"):
        sent = {"action": "delete_selected", "_selected_action": [chosen]}
        answer = admin_client.post(f"/admin/{path}", sent, follow=True)

        assert answer.status_code == 200
    assert Agent.objects.count() == agents


def test_every_link_of_a_list_and_its_filters_is_followed(
    owner: User, staff: User, make_run: Any, browser_of: Any
) -> None:
    run: Run = make_run(owner, steps=1)
    ApiToken.issue(owner, name="x", scopes=["read"])
    browser = browser_of(staff)
    own = [*(f"runs/{each}/?run__exact={run.pk}" for each in ("step", "toolcall")), "runs/run/?created_at__year=2026"]
    followed = [browser.get(f"/admin/{each}").status_code for each in own]
    for model in MODELS:
        for spec in browser.get(of(model)).context["cl"].filter_specs:
            changelist = browser.get(of(model)).context["cl"]
            followed += [
                browser.get(of(model) + choice["query_string"]).status_code for choice in spec.choices(changelist)
            ]

    assert len(followed) > 40
    assert set(followed) == {200}
