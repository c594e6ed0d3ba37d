"""Access to the API: tokens, scopes, expiry, and sessions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone

from runs.agent.tools.person_questions import PersonQuestion
from runs.models import (
    Agent,
    ApiToken,
    Run,
    ToolCall,
)
from tests.api.conftest import Program, error_of
from tests.api.endpoint_rows import (
    BODIES,
    alert_rule_of,
    delivery_for,
    file_of,
    labelled,
    message_to,
    notice_for,
    schedule_of,
    template_of,
)
from tests.api.endpoint_scopes import ALSO_APPROVE, ALSO_READ, APPROVE, EDIT, ENDPOINTS, LAUNCH, OF_ITS_OWNER, READ
from tests.asked_questions import asked_question
from tests.web.conftest import PASSWORD
from tests.web.permission_site import told_event

ProgramOf = Callable[..., Program]
MakeRun = Callable[..., Run]


def test_only_the_hash_of_a_token_is_kept(owner: User) -> None:
    token, text = ApiToken.issue(owner, name="x", scopes=["read"])

    assert text.startswith("ags_") and len(text) >= 4 + 43
    assert token.token_hash == sha256(text.encode()).hexdigest()
    assert text not in str(ApiToken.objects.values())
    assert text.startswith(token.prefix) and len(token.prefix) == 10


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
    ],
    ids=["expired", "revoked"],
)
def test_a_token_that_has_ended_is_401(owner: User, change: dict[str, Any]) -> None:
    token, text = ApiToken.issue(owner, name="x", scopes=["read"])
    ApiToken.objects.filter(pk=token.pk).update(**change)

    response = Program(text).get("/runs")

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert error_of(response)["code"] == "unauthenticated"


def test_every_token_that_is_not_good_is_refused_in_the_same_words(owner: User) -> None:
    _, inactive = ApiToken.issue(owner, name="x", scopes=["read"])
    User.objects.update(is_active=False)
    sent = [f"Bearer {inactive}", "Bearer ags_unknown", "Bearer ", "Bearer", "Basic b3duZXI6eA==", "", "Bearer \ud800"]

    answers = [Client().get("/api/v1/runs", headers={"Authorization": header}) for header in sent[:-1]]

    assert {answer.status_code for answer in answers} == {401}
    assert len({error_of(answer)["message"] for answer in answers}) == 1


def test_nobody_is_401_also_where_a_browser_would_be_sent_to_sign_in(db: None) -> None:
    response = Client().get("/api/v1/runs")

    assert (response.status_code, error_of(response)["code"]) == (401, "unauthenticated")


def test_a_wrong_token_is_not_made_up_for_by_a_session(owner: User) -> None:
    browser = Client()
    browser.force_login(owner)

    assert browser.get("/api/v1/runs").status_code == 200
    assert browser.get("/api/v1/runs", headers={"Authorization": "Bearer ags_x"}).status_code == 401


def test_a_session_changes_things_only_with_its_csrf_token(owner: User, agent: Agent) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.login(username="owner", password=PASSWORD)
    body: dict[str, Any] = {"data": '{"task": "x"}', "content_type": "application/json"}

    without = browser.post("/api/v1/runs", **body)
    browser.get("/runs/new/")
    token = browser.cookies["csrftoken"].value
    with_it = browser.post("/api/v1/runs", **body, headers={"X-CSRFToken": token})

    assert (without.status_code, error_of(without)["code"]) == (403, "csrf_failed")
    assert with_it.status_code == 201


def test_a_token_opens_no_page(owner: User) -> None:
    _, text = ApiToken.issue(owner, name="x", scopes=["read", "launch", "approve"])

    pages = ["/", "/runs/", "/settings/tokens/", "/admin/"]
    answers = [Client().get(page, headers={"Authorization": f"Bearer {text}"}) for page in pages]

    assert {answer.status_code for answer in answers} == {302}


def test_the_last_use_is_written_once_a_minute(owner: User, django_assert_num_queries: Any) -> None:
    Agent.objects.create(name="Counter")  # Without one no labels are asked for.
    token, text = ApiToken.issue(owner, name="x", scopes=["read"])
    program = Program(text)

    program.get("/agents")
    token.refresh_from_db()
    first_use = token.last_used_at
    with django_assert_num_queries(6):  # The token, three for the rights of its owner, the agents, their labels.
        program.get("/agents")
    token.refresh_from_db()

    assert first_use is not None
    assert token.last_used_at == first_use


def _send(program: Program, method: str, path: str) -> Any:
    body = BODIES.get(path.rsplit("/", 1)[1], {})
    match method:
        case "GET":
            return program.get(path)
        case "POST":
            return program.post(path, {"message": "x"} if path.startswith("/threads/") else body)
        case "PATCH":
            is_text = path.startswith("/messages/")
            return program.send(method, path, {"text": "x"} if is_text else {})
        case "PUT":
            return program.send(method, path, {"version": 1})
        case _:
            return program.send(method, path)


def test_every_endpoint_stands_in_the_matrix() -> None:
    described = Client().get("/api/v1/openapi.json").json()["paths"]
    named = {
        (method.upper(), path.removeprefix("/api/v1").replace("_id}", "}")): operation["x-scope"]
        for path, methods in described.items()
        for method, operation in methods.items()
    }

    # A stream; access to runs is tested in `agui/test_threads.py`.
    assert named.pop(("POST", "/agui")) == READ
    assert named == ENDPOINTS


SHARED: Final = ("agent", "number", "name", "template")
"""What is nobody's: who may launch sees agents and templates."""


@pytest.fixture
def ids(owner: User, make_call: Callable[..., ToolCall]) -> dict[str, Any]:
    """What the addresses of endpoints name, the owner's but for what is `SHARED`."""
    call = make_call(owner)
    run, event = call.run, told_event(owner, call.run)
    return {
        "run": run.pk,
        "thread": run.pk,
        "call": call.pk,
        "file": file_of(run).pk,
        "question": asked_question(run, PersonQuestion(text="Where?"), index=1).pk,
        "message": message_to(run).pk,
        "schedule": schedule_of(run).pk,
        "rule": alert_rule_of(run).pk,
        **delivery_for(run),
        "webhook": event.webhook_id,
        "event": event.uid,
        **notice_for(run),
        "template": template_of(run),
        **labelled(run),
    }


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what is changed within, so that each endpoint finds the same rows."""
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_an_endpoint_lets_in_only_tokens_of_its_scope(owner: User, program_of: ProgramOf, ids: dict[str, Any]) -> None:
    def statuses(method: str, path: str, *scopes: str) -> tuple[int, str]:
        with rolled_back():
            if path.startswith(("/templates", "/agents")):
                rights = ("add_agent", "change_agent", "view_agent")
                owner.user_permissions.set(Permission.objects.filter(codename__in=rights))
            response = _send(program_of(owner, *scopes), method, path.format(**ids))
        return response.status_code, error_of(response)["code"] if response.status_code == 403 else ""

    found = []
    for (method, path), needed in ENDPOINTS.items():
        also = {READ} if (method, path) in ALSO_READ else set()
        enough = {needed} | also | ({APPROVE} if (method, path) in ALSO_APPROVE else set())
        too_few = [{scope} | also for scope in (READ, LAUNCH, APPROVE, EDIT) if scope != needed]
        too_few += [enough - {each} for each in sorted(enough) if len(enough) > 1]
        answers = {" ".join(sorted(scopes)): statuses(method, path, *scopes) for scopes in too_few}
        found += [(method, path, *each) for each in answers.items() if each[1] != (403, "missing_scope")]
        if (answer := statuses(method, path, *enough))[0] in (401, 403, 404, 500):
            found.append((method, path, " ".join(sorted(enough)), answer))

    assert found == []


def test_what_belongs_to_somebody_else_looks_like_nothing(
    owner: User, other: User, staff: User, program_of: ProgramOf, ids: dict[str, Any]
) -> None:
    programs = {person: program_of(person) for person in (other, staff)}
    unknown = {name: uuid4() for name in ids if name not in SHARED} | {"account": 10**9}
    found: list[tuple[Any, ...]] = []

    def answer(person: User, method: str, path: str) -> tuple[int, bytes]:
        with rolled_back():
            response = _send(programs[person], method, path)
        return response.status_code, b"" if response.streaming else response.content

    for method, path in ENDPOINTS:
        theirs, nobodys = path.format(**ids), path.format(**(ids | unknown))
        seen_by_other = [answer(other, method, each) for each in (theirs, nobodys)]
        seen_by_staff, _content = answer(staff, method, theirs)
        if theirs != nobodys and ({status for status, _ in seen_by_other} != {404} or len({*seen_by_other}) > 1):
            found.append((method, path, "seen by another", seen_by_other))
        elif theirs == nobodys and method == "GET" and str(ids["run"]) in seen_by_other[0][1].decode():
            found.append((method, path, "names a run", seen_by_other))
        if (seen_by_staff in (401, 403, 404, 500)) != ((method, path) in OF_ITS_OWNER):
            found.append((method, path, "seen by staff", seen_by_staff))

    assert found == []


def test_staff_see_everybodys_runs(owner: User, staff: User, program_of: ProgramOf, make_run: MakeRun) -> None:
    run = make_run(owner)

    assert [each["id"] for each in program_of(staff).get("/runs").json()["items"]] == [str(run.pk)]
