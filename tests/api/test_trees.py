"""Runs that other runs have launched, over the API."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.models import Question, Run, ToolCall
from tests.web.tree_fixtures import AddChild, add_child  # noqa: F401  taken in

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(make_run: Callable[..., Run], add_child: AddChild, owner: User) -> dict[str, Run]:  # noqa: F811
    """A run with two child runs, one of which has a child run."""
    top = make_run(owner, task="Plan.", status="waiting", waiting_for="child", config={"agent": "Boss"})
    middle = add_child(top, task="Dig.", status="waiting", waiting_for="child", cost=Decimal("0.25"))
    beside = add_child(top, task="Build.", status="failed", cost=Decimal("0.1"), cost_is_partial=True)
    below = add_child(middle, task="Fetch.", agent_name="Helper", status="waiting", waiting_for="approval")
    return {"top": top, "middle": middle, "beside": beside, "below": below}


@pytest.fixture
def ask_api(browser_of: Callable[[User | None], Client], owner: User) -> Callable[..., Any]:
    """`ask_api("runs", root=…)`: the response to the owner, as JSON."""

    def asked(path: str, **query: Any) -> Any:
        response = browser_of(owner).get(f"/api/v1/{path}", query)
        assert response.status_code == 200, response.content
        return response.json()

    return asked


def test_a_run_names_the_run_and_the_call_that_launched_it_the_first_of_its_tree_and_its_child_runs(
    tree: dict[str, Run], ask_api: Callable[..., Any]
) -> None:
    shown = {name: ask_api(f"runs/{run.pk}") for name, run in tree.items()}

    above = {name: (run["parent_id"], run["parent_call_id"], run["root_id"]) for name, run in shown.items()}
    ids = {name: str(run.pk) for name, run in tree.items()}
    calls = {name: str(run.parent_call_id) for name, run in tree.items()}
    assert above == {
        "top": (None, None, None),
        "middle": (ids["top"], calls["middle"], ids["top"]),
        "beside": (ids["top"], calls["beside"], ids["top"]),
        "below": (ids["middle"], calls["below"], ids["top"]),
    }
    assert shown["top"]["children"] == [
        {
            "id": ids["middle"], "call_id": calls["middle"], "agent": "Worker", "status": "waiting",
            "could_not": False, "waiting_for": "child", "cost": "0.25",
        },
        {
            "id": ids["beside"], "call_id": calls["beside"], "agent": "Worker", "status": "failed",
            "could_not": False, "waiting_for": None, "cost": None,
        },
    ]  # fmt: skip
    assert [each["id"] for each in shown["middle"]["children"]] == [ids["below"]]
    assert shown["beside"]["children"] == shown["below"]["children"] == []


def test_the_list_of_runs_is_filtered_by_tree_and_by_the_run_that_launched_them(
    tree: dict[str, Run], make_run: Callable[..., Run], owner: User, ask_api: Callable[..., Any]
) -> None:
    alone = make_run(owner)

    def listed(**query: Any) -> set[str]:
        return {run["id"] for run in ask_api("runs", **query)["items"]}

    ids = {name: str(run.pk) for name, run in tree.items()}
    assert listed() == {*ids.values(), str(alone.pk)}
    assert listed(root=ids["top"]) == set(ids.values())
    assert listed(parent=ids["top"]) == {ids["middle"], ids["beside"]}
    assert listed(parent=ids["top"], status="failed") == {ids["beside"]}
    assert listed(root=uuid4()) == set()


def test_a_tree_that_is_no_id_is_refused(owner: User, browser_of: Callable[[User | None], Client]) -> None:
    response = browser_of(owner).get("/api/v1/runs", {"root": "mine"})

    assert response.status_code == 422
    assert "root" in response.content.decode()


def test_what_waits_names_its_run_and_the_first_run_of_its_tree(
    tree: dict[str, Run], make_run: Callable[..., Run], owner: User, ask_api: Callable[..., Any]
) -> None:
    def call_of(run: Run, state: str) -> ToolCall:
        about = {"arguments": {}, "arguments_hash": "0" * 64, "effect": "unsafe", "epoch": 1}
        return ToolCall.objects.create(call_id=uuid4(), run=run, turn=1, index=9, tool_name="ask", state=state, **about)

    alone = make_run(owner, status="waiting", waiting_for="approval")
    for run in (tree["below"], alone):
        call_of(run, "awaiting_approval")
    asking = call_of(tree["middle"], "awaiting_answer")
    question = Question.objects.create(
        pk=uuid4(), call=asking, round=1, kind="text", text="Which one?", asked_at=timezone.now()
    )

    approvals = ask_api("calls", state="awaiting_approval")["items"]
    questions = ask_api("questions")["items"]

    top = str(tree["top"].pk)
    assert {(each["run_id"], each["root_id"]) for each in approvals} == {
        (str(tree["below"].pk), top),
        (str(alone.pk), None),
    }
    assert [(each["run_id"], each["root_id"]) for each in questions] == [(str(tree["middle"].pk), top)]
    assert ask_api(f"questions/{question.pk}")["root_id"] == top


@pytest.mark.parametrize("style", ["json", "jsonl", "markdown"])
def test_a_run_of_a_tree_is_exported(
    tree: dict[str, Run], owner: User, browser_of: Callable[[User | None], Client], style: str
) -> None:
    for run in tree.values():
        response = browser_of(owner).get(f"/api/v1/runs/{run.pk}/export?format={style}")

        assert response.status_code == 200
        assert run.task in response.content.decode()
