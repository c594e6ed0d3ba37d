"""Who may do what: every address, for everybody, by every method. An address that is not listed here fails."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from runs.models import Run, ToolCall

PEOPLE = ("anon", "other", "owner", "staff")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")

ONLY_READ = {"POST": 405, "PUT": 405, "DELETE": 405}
ONLY_POST = {"GET": 405, "HEAD": 405, "PUT": 405, "DELETE": 405}
EVERYBODY_SIGNED_IN = {"anon": 302, "other": 200, "owner": 200, "staff": 200}
WHO_MAY_SEE_THE_RUN = {"anon": 302, "other": 404, "owner": 200, "staff": 200}
# There is nothing to decide about a run that has ended, and nothing is said to who may not see it.
WHO_MAY_DECIDE = {"anon": 302, "other": 404, "owner": 409, "staff": 409}
WHO_MAY_CHANGE_THE_RUN = {"anon": 302, "other": 404, "owner": 302, "staff": 302}

# The API answers with its own refusals; its tokens and scopes have a matrix in tests/api/test_tokens.py.
API_READ = {"anon": 401, "other": 200, "owner": 200, "staff": 200}
API_RUN = {"anon": 401, "other": 404, "owner": 200, "staff": 200}
API_CALL = {"anon": 401, "other": 422, "owner": 422, "staff": 422}
API_LAUNCH = {"anon": 401, "other": 422, "owner": 422, "staff": 422}

Answers = dict[str, int | dict[str, int]]
RULES: dict[str, Answers] = {
    "runs:dashboard": {"GET": EVERYBODY_SIGNED_IN, **ONLY_READ},
    "runs:history": {
        "GET": EVERYBODY_SIGNED_IN,
        "POST": {"anon": 302, "other": 422, "owner": 422, "staff": 422},
        "PUT": 405,
        "DELETE": 405,
    },
    "runs:launch": {"GET": EVERYBODY_SIGNED_IN, **ONLY_READ},
    "runs:model-notes": {"GET": EVERYBODY_SIGNED_IN, **ONLY_READ},
    "runs:run": {"GET": WHO_MAY_SEE_THE_RUN, **ONLY_READ},
    "runs:steps": {"GET": {**WHO_MAY_SEE_THE_RUN, "owner": 400, "staff": 400}, **ONLY_READ},
    # A run without steps.
    "runs:rest": {"GET": {"anon": 302, "other": 404, "owner": 404, "staff": 404}, **ONLY_READ},
    "runs:cancel": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:force": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:pause": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:resume": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:continue": {"POST": {"anon": 302, "other": 404, "owner": 422, "staff": 422}, **ONLY_POST},
    "runs:try-now": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:stop-retrying": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:rerun": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:approve": {"POST": WHO_MAY_DECIDE, **ONLY_POST},
    "runs:deny": {"POST": WHO_MAY_DECIDE, **ONLY_POST},
    "runs:settle": {"POST": WHO_MAY_CHANGE_THE_RUN, **ONLY_POST},
    "runs:inbox": {"GET": EVERYBODY_SIGNED_IN, **ONLY_READ},
    "runs:inbox-count": {"GET": EVERYBODY_SIGNED_IN, **ONLY_READ},
    "runs:inbox-decide": {"POST": 302, **ONLY_POST},
    "runs:models": {"GET": {"anon": 302, "other": 404, "owner": 404, "staff": 200}, **ONLY_READ},
    "runs:test-model": {"POST": {"anon": 302, "other": 404, "owner": 404, "staff": 404}, **ONLY_POST},
    "runs:login": {
        "GET": {"anon": 200, "other": 302, "owner": 302, "staff": 302},
        "POST": {"anon": 422, "other": 302, "owner": 302, "staff": 302},
        "PUT": 405,
        "DELETE": 405,
    },
    "runs:logout": {"POST": 302, **ONLY_POST},
    "runs:healthz": {"GET": 200, **ONLY_READ},
    # No process of the tests hosts runs, and nobody has set a token.
    "runs:readyz": {"GET": 503, **ONLY_READ},
    "runs:metrics": {"GET": 404, **ONLY_READ},
    "runs:tokens": {
        "GET": EVERYBODY_SIGNED_IN,
        "POST": {"anon": 302, "other": 422, "owner": 422, "staff": 422},
        "PUT": 405,
        "DELETE": 405,
    },
    "runs:revoke-token": {"POST": {"anon": 302, "other": 404, "owner": 404, "staff": 404}, **ONLY_POST},
    "api:launch_run": {"GET": API_READ, "POST": API_LAUNCH, "PUT": 405, "DELETE": 405},
    "api:list_runs": {"GET": API_READ, "POST": API_LAUNCH, "PUT": 405, "DELETE": 405},
    "api:get_run": {"GET": API_RUN, **ONLY_READ},
    "api:list_steps": {"GET": API_RUN, **ONLY_READ},
    "api:export_run": {"GET": API_RUN, **ONLY_READ},
    "api:cancel_run": {"POST": API_RUN, **ONLY_POST},
    "api:run_again": {"POST": {"anon": 401, "other": 404, "owner": 201, "staff": 201}, **ONLY_POST},
    # A completed run can be neither paused nor resumed nor ended again.
    "api:pause_run": {"POST": {"anon": 401, "other": 404, "owner": 409, "staff": 409}, **ONLY_POST},
    "api:resume_run": {"POST": {"anon": 401, "other": 404, "owner": 409, "staff": 409}, **ONLY_POST},
    "api:force_run": {"POST": API_RUN, **ONLY_POST},
    "api:continue_run": {"POST": API_LAUNCH, **ONLY_POST},
    "api:list_calls": {"GET": API_READ, **ONLY_READ},
    # There is no such call.
    "api:approve_call": {"POST": API_CALL, **ONLY_POST},
    "api:deny_call": {"POST": API_CALL, **ONLY_POST},
    "api:settle_call": {"POST": API_CALL, **ONLY_POST},
    # A form is not JSON.
    "api:run_agent": {"POST": {"anon": 401, "other": 422, "owner": 422, "staff": 422}, **ONLY_POST},
    "api:list_agents": {"GET": API_READ, **ONLY_READ},
    "api:list_tools": {"GET": API_READ, **ONLY_READ},
    "api:openapi": {"GET": 200, **ONLY_READ},
    "api:reference": {"GET": 200, **ONLY_READ},
    "api:no-such-address": {"GET": 404, "POST": 404, "PUT": 404, "DELETE": 404},
    "no-such-api": {"GET": 404, "POST": 404, "PUT": 404, "DELETE": 404},
    "runs:first_sign_in": {"GET": 404, "POST": 404, "PUT": 405, "DELETE": 405},
}
"""What an address answers by method; HEAD is as GET. A number is the answer to everybody."""


def _addresses(resolver: URLResolver, names: str = "", route: str = "") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield f"{names}{pattern.name or here}", here
        elif not here.startswith("admin/"):
            namespace = f"{names}{pattern.namespace}:" if pattern.namespace else names
            yield from _addresses(pattern, namespace, here)


ADDRESSES = dict(_addresses(get_resolver()))


def test_every_address_has_a_rule() -> None:
    assert set(ADDRESSES) == set(RULES)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", RULES)
def test_an_address_answers_as_its_rule_says(
    name: str,
    person: str,
    method: str,
    owner: User,
    other: User,
    staff: User,
    browser_of: Callable[[User | None], Client],
    make_run: Callable[..., Run],
) -> None:
    run = make_run(owner)
    path = "/" + ADDRESSES[name].replace("<uuid:run_id>", str(run.pk)).replace("<uuidstr:run_id>", str(run.pk))
    path = (
        path.replace("<uuidstr:call_id>", str(uuid4()))
        .replace("<str:token>", "wrong")
        .replace("<int:token_id>", "0")
        .replace("<int:sequence>", "1")
        .replace("^api(?:/|$)", "api/")
    )
    call = {"turn": 1, "index": 0, "tool_name": "send", "arguments": {}, "arguments_hash": "", "epoch": 1}
    asked = ToolCall.objects.create(call_id=uuid4(), run=run, **call)
    path = path.replace("<uuid:call_id>", str(asked.pk))
    browser = browser_of({"anon": None, "other": other, "owner": owner, "staff": staff}[person])

    response = browser.generic(method, path)

    rule = RULES[name].get(method, RULES[name].get("GET"))
    assert response.status_code == (rule[person] if isinstance(rule, dict) else rule)


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
