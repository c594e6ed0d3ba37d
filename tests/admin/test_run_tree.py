"""Trees of runs in the admin."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run
from tests.web.tree_fixtures import AddChild, add_child  # noqa: F401  taken in

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff: User, browser_of: Callable[[User | None], Client]) -> Client:
    """A staff member's browser."""
    return browser_of(staff)


def test_a_run_shows_who_called_it_and_its_child_runs(
    browser: Client,
    owner: User,
    make_run: Callable[..., Run],
    add_child: AddChild,  # noqa: F811
) -> None:
    run = make_run(owner, task="Plan.")
    child = add_child(run, task="Dig <b>deep</b>.", status="failed")
    below = add_child(child, task="Fetch.", agent_name="Helper")

    pages = {
        each.pk: browser.get(f"/admin/runs/run/{each.pk}/change/").content.decode() for each in (run, child, below)
    }

    link = '<a href="/admin/runs/run/{0}/change/">{0}</a>'.format
    assert f"{link(child.pk)} Failed: Dig &lt;b&gt;deep&lt;/b&gt;." in pages[run.pk]
    assert f"{link(run.pk)} ({child.parent_call_id})" in pages[child.pk]
    assert f"{link(below.pk)} Completed: Fetch." in pages[child.pk]
    assert f"{link(child.pk)} ({below.parent_call_id})" in pages[below.pk]
    assert link(run.pk) in pages[below.pk]


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", {"Plan.", "Dig.", "Alone."}), ("child=yes", {"Dig."}), ("child=no", {"Plan.", "Alone."})],
    ids=["all", "child runs", "others"],
)
def test_the_list_of_runs_is_filtered_by_child_runs(
    browser: Client,
    owner: User,
    make_run: Callable[..., Run],
    add_child: AddChild,  # noqa: F811
    query: str,
    shown: set[str],
) -> None:
    add_child(make_run(owner, task="Plan."), task="Dig.")
    make_run(owner, task="Alone.")

    page = browser.get(f"/admin/runs/run/?{query}").content.decode()

    assert {task for task in ("Plan.", "Dig.", "Alone.") if f">{task}<" in page} == shown
