"""Signing in on the way, other people's runs, and CSRF. The matrix of all addresses is in test_permissions.py."""

from collections.abc import Callable
from uuid import uuid4

from django.contrib.auth.models import User
from django.test import Client

from runs.models import Run


def test_the_admin_is_for_staff_only(
    owner: User, staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    run = make_run(owner)
    pages = ["/admin/", "/admin/runs/run/", f"/admin/runs/run/{run.pk}/change/", "/admin/runs/agent/"]

    assert {browser_of(None).get(page).status_code for page in pages} == {302}
    assert {browser_of(owner).get(page).status_code for page in pages} == {302}
    assert {browser_of(staff).get(page).status_code for page in pages} == {200}


def test_another_users_run_looks_the_same_as_no_run(
    owner: User, other: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    theirs, nobodys = make_run(owner).pk, uuid4()

    seen = [browser_of(other).get(f"/runs/{run_id}/") for run_id in (theirs, nobodys)]

    assert [response.status_code for response in seen] == [404, 404]
    assert str(theirs) not in seen[0].content.decode()


def test_somebody_signed_out_comes_back_to_the_page_they_wanted(client: Client, db: None) -> None:
    response = client.get("/runs/?status=failed")

    assert response["Location"] == "/accounts/login/?next=%2Fruns%2F%3Fstatus%3Dfailed"


def test_a_change_asked_for_when_signed_out_leads_back_to_its_page_not_to_its_address(client: Client, db: None) -> None:
    asked_from = "http://testserver/runs/?q=tides"

    plain = client.post(f"/runs/{uuid4()}/cancel/", headers={"Referer": asked_from})
    htmx = client.post(f"/runs/{uuid4()}/cancel/", headers={"HX-Request": "true", "HX-Current-URL": asked_from})

    assert plain["Location"] == "/accounts/login/?next=%2Fruns%2F%3Fq%3Dtides"
    assert (htmx.status_code, htmx["HX-Redirect"]) == (204, "/accounts/login/?next=%2Fruns%2F%3Fq%3Dtides")


def test_the_way_back_never_leaves_the_site(client: Client, db: None) -> None:
    response = client.post(f"/runs/{uuid4()}/cancel/", headers={"Referer": "https://elsewhere.example/trap"})

    assert response["Location"] == "/accounts/login/?next=%2F"


def test_a_change_without_a_csrf_token_is_refused_with_a_page_that_says_why(
    owner: User, make_run: Callable[..., Run]
) -> None:
    run = make_run(owner, status="idle")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)

    response = browser.post(f"/runs/{run.pk}/cancel/")

    assert response.status_code == 403
    assert "open too long" in response.content.decode()
    run.refresh_from_db()
    assert run.status == "idle"
