"""Unknown query parameters are refused by name, on every route."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from runs.agent.tools.person_questions import PersonQuestion
from runs.api import urls  # noqa: F401  adds the routers
from runs.api.api import api
from runs.api.openapi import describe
from runs.models import ApiToken, Run
from tests.asked_questions import asked_question

ROUTES = [
    (method.upper(), path, [each["name"] for each in operation["parameters"] if each["in"] == "query"])
    for path, methods in describe(api, "http://testserver")["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture
def ask(owner: Any) -> Any:
    """Request as the owner, with every scope."""
    _, text = ApiToken.issue(owner, name="all", scopes=["read", "launch", "approve", "edit"])
    client = Client(headers={"Authorization": f"Bearer {text}"})

    def asked(method: str, path: str) -> Any:
        run = Run.objects.create(user=owner, task="What is 2 + 3?")
        path = path.replace("{run_id}", str(run.pk)).replace("{call_id}", str(run.pk)).replace("{agent_id}", "1")
        asked = asked_question(run, PersonQuestion(text="Where?"))
        path = path.replace("{file_id}", str(run.pk)).replace("{question_id}", str(asked.pk))
        path = path.replace("{message_id}", str(run.pk)).replace("{thread_id}", str(run.pk))
        path = path.replace("{template_id}", "7").replace("{number}", "1").replace("{name}", "production")
        path = path.replace("{account_id}", "7")
        path = re.sub(r"{(slack_channel|device)_id}", str(run.pk), path)
        path = re.sub(
            r"{(rule|notification_rule|channel|notice|schedule|trigger|delivery|webhook|event)_id}",
            str(run.pk),
            path,
        )
        assert "{" not in path, "An id of another kind: the address would be none."
        return client.generic(method, path, "{}", content_type="application/json")

    return asked


def message_of(answer: Any) -> str:
    return str(json.loads(answer.content)["error"]["message"])


@pytest.mark.parametrize(("method", "path", "_known"), ROUTES)
def test_an_unknown_query_parameter_is_422_with_its_name(ask: Any, method: str, path: str, _known: list[str]) -> None:
    answer = ask(method, f"{path}?statsu=failed")

    assert answer.status_code == 422
    assert message_of(answer).startswith("statsu: There is no such query parameter here")
    assert Run.objects.count() == 1, "nothing was launched"


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for method, path, known in ROUTES for name in known if method == "GET"]
)
def test_a_parameter_that_stands_there_twice_is_422_with_its_name(ask: Any, path: str, name: str) -> None:
    answer = ask("GET", f"{path}?{name}=1&{name}=2")

    assert answer.status_code == 422
    assert message_of(answer) == f"{name}: The query has it more than once."


def test_the_known_ones_are_named(ask: Any) -> None:
    assert message_of(ask("GET", "/api/v1/calls?Limit=5")).endswith("there are state, run_id, waiting, cursor, limit.")
    assert ask("GET", "/api/v1/calls?limit=5&state=").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_is_as_strict_as_get(ask: Any, method: str) -> None:
    assert ask(method, "/api/v1/tools?x").status_code == 422
    assert ask(method, "/api/v1/tools").status_code == 200


def test_who_asks_comes_first_and_the_description_is_strict_too(db: None) -> None:
    assert Client().get("/api/v1/runs?x=1").status_code == 401
    assert Client().get("/api/v1/openapi.json?x=1").status_code == 422
    assert Client().get("/api/v1/nothing?x=1").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/tools", "/api/v1/openapi.json"])
def test_more_parameters_than_are_read_are_400(ask: Any, path: str) -> None:
    answer = ask("GET", f"{path}?{'&'.join(f'a{number}=1' for number in range(1500))}")

    assert answer.status_code == 400
    assert message_of(answer) == "The request could not be read."


def test_a_long_name_is_not_said_back_whole(ask: Any) -> None:
    assert len(message_of(ask("GET", f"/api/v1/tools?{'x' * 2000}=1"))) < 200


def test_pages_are_lenient(owner: Any) -> None:
    browser = Client()
    browser.force_login(owner)

    assert browser.get("/runs/?utm_source=mail&utm_source=chat").status_code == 200
    assert browser.get("/api/v1/docs?x=1").status_code == 200


def test_the_description_says_so_for_every_endpoint() -> None:
    for methods in describe(api, "http://testserver")["paths"].values():
        for operation in methods.values():
            assert "422" in operation["responses"], operation["operationId"]
