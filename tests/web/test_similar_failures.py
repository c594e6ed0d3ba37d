"""How many other runs failed the same way, on the page of a run that failed, and the list of them."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.models import Run
from tests.web.conftest import HTMX
from tests.web.test_run_list import rows

AUTH = {"code": "model_auth", "message": "401: the key was refused"}
OTHER = {"code": "limit_turns", "message": "The run reached its limit of 20 turns."}
LINE = re.compile(r'<a href="(/runs/\?[^"]+)">([^<]*failed the same way[^<]*)</a>')


@pytest.fixture
def fail(make_run: Callable[..., Run]) -> Callable[..., Run]:
    """`fail(user, error)`: a failed run."""

    def failed(user: User, error: Any = AUTH, **fields: Any) -> Run:
        return make_run(user, status="failed", error=error, severity="error", **fields)

    return failed


def line_on(browser: Client, run: Run) -> tuple[str, str] | None:
    """The line on the run's page: its words, and where it leads."""
    found = LINE.search(browser.get(f"/runs/{run.pk}/").content.decode())
    return None if found is None else (unescape(found[2]), unescape(found[1]))


def test_a_failed_run_says_how_many_others_failed_the_same_way_and_leads_to_all_of_them(
    owner: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run], make_run: Callable[..., Run]
) -> None:
    run, alike = fail(owner), [fail(owner, {**AUTH, "message": f"Other words {n}"}) for n in range(3)]
    fail(owner, OTHER)
    make_run(owner)
    browser = browser_of(owner)

    line = line_on(browser, run)

    assert line is not None
    assert line[0] == "3 other runs failed the same way in the last 7 days"
    page = browser.get(line[1]).content.decode()
    assert set(rows(page)) == {str(each.pk) for each in (run, *alike)}
    assert 'class="notice" role="alert"' not in page


def test_one_other_run_is_said_in_the_singular(
    owner: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run]
) -> None:
    run, _other = fail(owner), fail(owner)

    line = line_on(browser_of(owner), run)

    assert line is not None
    assert line[0] == "1 other run failed the same way in the last 7 days"


def test_runs_that_one_may_not_see_are_not_counted(
    owner: User, other: User, staff: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run]
) -> None:
    run, _theirs = fail(owner), fail(other)

    assert line_on(browser_of(owner), run) is None
    assert line_on(browser_of(staff), run) is not None


def test_older_failures_and_other_errors_are_not_counted(
    owner: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run]
) -> None:
    run = fail(owner)
    fail(owner, created_at=timezone.now() - timedelta(days=8))
    for error in (OTHER, {}, None):
        fail(owner, error)

    assert line_on(browser_of(owner), run) is None


@pytest.mark.parametrize("error", [None, {}, {"code": ""}, {"code": 7}, {"code": "x" * 300}], ids=repr)
def test_a_run_whose_error_has_no_code_has_no_line(
    owner: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run], error: Any
) -> None:
    run, _other = fail(owner, error), fail(owner, error)

    assert line_on(browser_of(owner), run) is None


def test_a_run_that_did_not_fail_asks_nothing_about_others(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    run, browser = make_run(owner), browser_of(owner)

    with CaptureQueriesContext(connection) as queries:
        assert line_on(browser, run) is None

    assert not [each for each in queries.captured_queries if "$.code" in each["sql"]]


def test_the_count_stops_at_its_most(
    owner: User,
    browser_of: Callable[[User | None], Client],
    fail: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runs.web.similar_failures.MOST_COUNTED", 2)
    run, *_others = [fail(owner) for _ in range(5)]

    line = line_on(browser_of(owner), run)

    assert line is not None
    assert line[0] == "2+ other runs failed the same way in the last 7 days"


def test_the_others_are_found_by_an_index(owner: User, fail: Callable[..., Run]) -> None:
    fail(owner)
    counted = Run.objects.failed_with("model_auth").filter(created_at__gte=timezone.now() - timedelta(days=7))

    assert "run_failed_by_code" in counted.order_by().explain()
    assert "run_failed_by_code" in counted.order_by("-created_at", "-pk").values("pk")[:51].explain()


def test_a_page_that_sees_its_run_fail_asks_for_the_line_alone(
    owner: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run], make_run: Callable[..., Run]
) -> None:
    going, browser = make_run(owner, status="thinking"), browser_of(owner)
    fail(owner)
    page = browser.get(f"/runs/{going.pk}/").content.decode()
    found = re.search(r'data-similar hx-get="([^"]+)" hx-trigger="failed"', page)
    assert found is not None
    assert "failed the same way" not in browser.get(found[1], headers=HTMX).content.decode()

    Run.objects.filter(pk=going.pk).update(status="failed", owner=None, error=AUTH, ended_at=timezone.now())
    answer = browser.get(found[1], headers=HTMX).content.decode()

    assert LINE.search(answer)
    assert "<html" not in answer


def test_the_list_is_filtered_by_errors_and_says_so(
    owner: User, browser_of: Callable[[User | None], Client], fail: Callable[..., Run], make_run: Callable[..., Run]
) -> None:
    auth, other, unknown = fail(owner), fail(owner, OTHER), fail(owner, {"code": "a_new_one"})
    make_run(owner)
    browser = browser_of(owner)

    def shown(query: str) -> set[str]:
        return set(rows(browser.get(f"/runs/?{query}").content.decode()))

    assert shown("error=model_auth") == {str(auth.pk)}
    assert shown("error=model_auth&error=a_new_one") == {str(auth.pk), str(unknown.pk)}
    assert shown("error=limit_turns&status=completed") == set()
    assert shown("error=never_seen") == set()
    assert shown("error=%00") == {str(each.pk) for each in Run.objects.all()}
    assert str(other.pk) not in shown("error=model_auth")
    page = browser.get("/runs/?error=model_auth&error=a_new_one").content.decode()
    assert '<span class="filter-chosen" data-chip-words>Not authorised, A new one</span>' in page
    assert re.search(r'name="error" value="a_new_one"\s+checked', page)
    assert "?error=model_auth&amp;error=a_new_one&amp;format=csv" in page


def test_a_group_of_errors_leads_to_all_of_its_runs(
    owner: User,
    browser_of: Callable[[User | None], Client],
    fail: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runs.web.run_groups.RUNS_OF_A_GROUP", 1)
    failed = [fail(owner) for _ in range(3)]
    browser = browser_of(owner)

    page = browser.get("/runs/?group=error").content.decode()

    links = re.findall(r'<p class="run-group-all">\s*<a href="([^"]+)">', page)
    assert [unescape(link) for link in links] == ["?error=model_auth"]
    assert set(rows(browser.get(f"/runs/{links[0]}").content.decode())) == {str(each.pk) for each in failed}
