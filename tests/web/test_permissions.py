"""Who may do what: every address and socket, for every identity, by every method. An address without a rule fails."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.db import transaction
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.utils import timezone

from agentsite import templates
from runs.agent.tools.person_questions import PersonQuestion
from runs.engine.operations import health_checks
from runs.engine.operations.health_checks import DatabaseProbe
from runs.engine.recording.canonical_json import arguments_hash
from runs.live.sockets.routing import websocket_application
from runs.models import (
    ApiToken,
    Attachment,
    Library,
    Question,
    Run,
    RunView,
    Skill,
    SkillFile,
    StoredFile,
    ToolCall,
    ToolSource,
)
from tests.asked_questions import asked_question
from tests.live.live_browser import session_of
from tests.web import permission_table
from tests.web.identities import GROUPS, PEOPLE, Identity, every_permission, make_groups, single
from tests.web.routes import DECIDING, EDITED, READ_ONLY, RULES, SOCKETS, addresses, rule_for

ARGUMENTS = {"text": "ada@example.org"}
HASH = arguments_hash(ARGUMENTS)
NOTHING = "runs.nothing"
"""A permission that does not exist."""
OTHER_METHODS = ("HEAD", "PUT", "PATCH", "DELETE")
FORMS: dict[str, dict[str, str]] = {
    "runs:history": {"task": "half of 90"},
    "runs:continue": {"message": "And then?"},
    "runs:settle": {"outcome": "happened"},
    "runs:approve": {"arguments_hash": HASH},
    "runs:deny": {"arguments_hash": HASH},
    "runs:inbox-decide": {"action": "approve"},
}
BODIES: dict[str, dict[str, Any]] = {
    "launch_run": {"task": "x"},
    "list_runs": {"task": "x"},
    "continue_run": {"message": "x"},
    "upload_file": {"name": "a.txt", "size": 1},
    "approve_call": {"arguments_hash": HASH},
    "deny_call": {"arguments_hash": HASH},
    "settle_call": {"outcome": "happened"},
    "answer_question": {"answer": "x"},
    "run_agent": {"threadId": "t", "runId": "r", "messages": [{"id": "m", "role": "user", "content": "x"}]},
}


def waiting_call(run: Run, *, state: str = "awaiting_approval") -> ToolCall:
    """A call of the run that waits for an approval or, in another state, for its outcome."""
    return ToolCall.objects.create(
        call_id=uuid4(),
        run=run,
        turn=1,
        index=0,
        tool_name="text_stats",
        epoch=1,
        arguments=ARGUMENTS,
        arguments_hash=HASH,
        effect="unsafe",
        state=state,
    )


@dataclass
class Site:
    """The rows that addresses name, all of the owner's."""

    owner: User
    run: Run
    step_pk: int
    call: ToolCall
    """A call of the run, which has ended."""
    group: Group
    token: ApiToken
    view_pk: int
    """A saved view of the list of runs."""
    file: StoredFile
    """A file given to the run."""
    library_pk: int
    asking: ToolCall
    """A call of another run, which waits for the call's approval …"""
    unknown: ToolCall
    """… and a call of a run that waits for the call's outcome."""
    question: Question
    """Of a call of a run that waits for an answer."""

    def call_for(self, name: str) -> ToolCall:
        """The call that an address concerns."""
        if "answer" in name or "question" in name:
            return self.question.call
        if name not in DECIDING:
            return self.call
        return self.unknown if "settle" in name else self.asking

    def path_of(self, name: str, route: str) -> str:
        """An address of the route, filled with these rows."""
        objects = {
            "runs/run": self.run.pk,
            "runs/step": self.step_pk,
            "runs/toolcall": self.call.pk,
            "runs/agent": self.run.agent_id,
            "runs/apitoken": self.token.pk,
            "auth/user": self.owner.pk,
            "auth/group": self.group.pk,
        }
        call = self.call_for(name)
        admin_model = "/".join(route.split("/")[1:3])
        known = {
            "<uuid:run_id>": call.run_id,
            "<uuidstr:run_id>": call.run_id,
            "<uuid:thread_id>": call.run_id,
            "<uuid:call_id>": call.pk,
            "<uuidstr:call_id>": call.pk,
            "<uuid:question_id>": self.question.pk,
            "<uuidstr:question_id>": self.question.pk,
            "<str:token>": "wrong",
            "<int:token_id>": self.token.pk,
            "<int:view_id>": self.view_pk,
            "<uuid:file_id>": self.file.pk,
            "<int:library_id>": self.library_pk,
            "<str:name>": "expense-report",
            "<slug:name>": "shop",
            "<slug:key>": "none",
            "<slug:api_name>": "garden",
            "<uuidstr:file_id>": self.file.pk,
            "<int:agent_id>": self.run.agent_id,
            "<int:sequence>": 1,
            "<path:name>": "calculator",
            "^api(?:/|$)": "api/",
            "<path:content_type_id>": 0,
            "<path:object_id>": objects.get(admin_model, 0),
            "<id>": self.owner.pk,
            "^(?P<app_label>auth|runs)/$": "runs/",
            "(?P<url>.*)$": "nowhere/",
        }
        for part, value in known.items():
            route = route.replace(part, str(value))
        assert not set(route) & set("<>()^$"), f"{name}: what is {route}?"
        return f"/{route}"


REQUESTS = RequestFactory()
MIDDLEWARE = ClientHandler(enforce_csrf_checks=False)
"""Responds as it does to a `Client`, which would also copy what each template was given."""


@pytest.fixture(autouse=True)
def _each_template_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip a template that the test has rendered before: the text of a response plays no part in its status."""
    rendered: set[str] = set()
    render = templates._Template.render

    def once(template: Any, *given: Any, **named: Any) -> Any:
        name = template.template.name
        if name in rendered:
            return ""
        text = render(template, *given, **named)
        rendered.add(name)
        return text

    monkeypatch.setattr(templates._Template, "render", once)


@pytest.fixture(autouse=True)
def _readiness_does_not_wait_for_the_tests_own_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe of the database writes on a connection of its own, which the rows of a test keep out for 2 s."""
    monkeypatch.setattr(health_checks, "DATABASE", DatabaseProbe(lambda: None))


@pytest.fixture(autouse=True)
def _no_server_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a connection reports is written on a connection of its own, which the rows of a test keep out."""
    monkeypatch.setattr("runs.web.tool_servers.check_server", lambda *_: None)
    monkeypatch.setattr(
        "runs.web.server_sign_in.begin_sign_in", lambda *_, **__: ("https://auth.example.org/", "s", "t")
    )
    monkeypatch.setattr("runs.web.server_sign_in.sign_out", lambda *_: None)


@pytest.fixture
def site(owner: User, make_run: Callable[..., Run]) -> Site:
    """A completed run with a step and a call, and three runs that wait for a person."""
    make_groups()
    run = make_run(owner, steps=1)
    token, _text = ApiToken.issue(owner, name="x", scopes=["read"])
    nobody = Group.objects.create(name="Nobody")
    asking = waiting_call(make_run(owner, status="waiting", waiting_for="approval", epoch=1))
    unknown = waiting_call(make_run(owner, status="waiting", waiting_for="decision", epoch=1), state="unknown")
    view = RunView.objects.create(user=owner, name="Failed", query="status=failed")
    file = StoredFile.objects.create(user=owner, name="a.txt", media_type="text/plain", size=0, state="ready")
    Attachment.objects.create(run=run, file=file, position=0)
    shelf = Library.objects.create(name="handbook")
    skill = Skill.objects.create(name="expense-report", description="x", size=1, uploaded_at=timezone.now())
    SkillFile.objects.create(skill=skill, path="SKILL.md", content=b"x")
    now, address = timezone.now(), {"transport": "http", "url": "https://mcp.example.org/mcp"}
    ToolSource.objects.create(name="shop", kind="mcp", options=address, state_since=now, added_at=now)
    ToolSource.objects.create(name="garden", kind="openapi", state_since=now, added_at=now)
    call = waiting_call(run)
    asked = asked_question(make_run(owner, epoch=1), PersonQuestion(text="Where?"))
    return Site(owner, run, run.steps.get().pk, call, nobody, token, view.pk, file, shelf.pk, asking, unknown, asked)


def ask(site: Site, name: str, route: str, method: str, credential: dict[str, Any]) -> tuple[int, bool]:
    """The status of the response, and whether a call was decided. Changes of the request are rolled back."""
    REQUESTS.cookies.clear()
    if "session" in credential:
        REQUESTS.cookies["sessionid"] = credential["session"]
    sent: dict[str, Any] = {"data": dict(FORMS.get(name, {}))} if method == "POST" else {}
    if name == "runs:inbox-decide" and sent:
        sent["data"]["call"] = f"{site.asking.pk}:{HASH}"
    if name == "runs:answer" and sent:
        sent["data"][f"answer-{site.question.pk}-answer"] = "x"
    if name.startswith("api:") and method == "POST":
        sent = {"data": BODIES.get(name.removeprefix("api:"), {}), "content_type": "application/json"}
    cache.clear()
    make = getattr(REQUESTS, method.lower())
    request = make(site.path_of(name, route), headers=credential.get("headers"), **sent)
    with transaction.atomic():
        response = MIDDLEWARE(request.environ)
        decided = name in DECIDING and _is_decided()
        transaction.set_rollback(True)
    return int(response.status_code), decided


def _is_decided() -> bool:
    answered = Question.objects.filter(state=Question.State.ANSWERED)
    return answered.exists() or ToolCall.objects.exclude(decided_at=None).exists()


def surprises(site: Site, identity: Identity, asked: Iterable[tuple[str, str]]) -> list[str]:
    """The names and methods whose response differs from their rule, one line each."""
    credential, routes = identity.credential(identity.user(site.owner), session_of), addresses()
    found = []
    for name, method in asked:
        expected = rule_for(name, method).answer(identity)
        status, decided = ask(site, name, routes[name], method, credential)
        if status != expected:
            found.append(f"{identity.name}: {method} {name} {status}, not {expected}")
        if decided != decides(identity, name, method):
            found.append(f"{identity.name}: {method} {name} {'decided' if decided else 'did not decide'} about a call")
    return found


def decides(identity: Identity, name: str, method: str) -> bool:
    """True if the request decides a call of the owner's."""
    return method == "POST" and name in DECIDING and all(identity.has(fact) for fact in DECIDING[name])


def of_everything() -> Iterator[tuple[str, str]]:
    """Every address by GET and POST; the admin's pages by POST only where it differs from GET."""
    for name, methods in RULES.items():
        yield name, "GET"
        if not name.startswith("admin:") or methods.get("POST") != methods["GET"]:
            yield name, "POST"


def of_what_asks_for_a_permission(model: str = "") -> Iterator[tuple[str, str]]:
    """Pages and endpoints that need a permission, or the admin's of a model, by each method with a rule of its own."""
    for name, methods in RULES.items():
        is_wanted = name.startswith(f"admin:{model.replace('.', '_')}_") if model else not name.startswith("admin:")
        for method, rule in methods.items():
            asks = rule.asks_for_a_permission or name in DECIDING
            if is_wanted and asks and not (method == "POST" and rule == methods.get("GET")):
                yield name, method


def is_named(permission: str) -> bool:
    """True if a rule of pages and API answers otherwise for this permission than for one that exists nowhere."""
    rules = [rule for name, methods in RULES.items() if not name.startswith("admin:") for rule in methods.values()]
    named = {fact for rule in rules for either, _status in rule.needs for fact in either.split("|")}
    return permission in named or single(permission).facts - {permission} != single(NOTHING).facts - {NOTHING}


def is_closed_by_any_permission(name: str, method: str) -> bool:
    """True if it is open to staff without any permission, as a launch is, and closed to staff with another one."""
    rule = rule_for(name, method)
    return rule.answer(Identity(name="staff", staff=True)) != rule.answer(single(NOTHING))


def test_every_address_and_every_socket_has_a_rule() -> None:
    assert set(addresses()) == set(RULES)
    routes = websocket_application.application.routes
    assert {str(route.pattern) for route in routes} == set(SOCKETS)


@pytest.mark.parametrize("identity", PEOPLE, ids=lambda identity: identity.name)
def test_every_address_answers_as_its_rule_says(site: Site, identity: Identity) -> None:
    asked = of_everything()
    if identity.scopes is not None:
        # The admin's pages, like all pages, ignore tokens.
        asked = ((name, method) for name, method in asked if not name.startswith("admin:"))

    assert "\n".join(surprises(site, identity, asked)) == ""


@pytest.mark.parametrize("identity", [PEOPLE[0], PEOPLE[2], PEOPLE[7]], ids=lambda identity: identity.name)
def test_other_methods_than_get_and_post_are_answered_as_the_rules_say(site: Site, identity: Identity) -> None:
    asked = ((name, method) for name in RULES for method in OTHER_METHODS)

    assert "\n".join(surprises(site, identity, asked)) == ""


@pytest.mark.parametrize("permission", [each for each in every_permission() if is_named(each)])
def test_a_permission_alone_opens_what_it_names_of_pages_and_api_and_nothing_else(site: Site, permission: str) -> None:
    assert "\n".join(surprises(site, single(permission), of_what_asks_for_a_permission())) == ""


def test_the_permissions_that_no_rule_names_open_nothing_of_pages_and_api_even_together(site: Site) -> None:
    others = tuple(each for each in every_permission() if not is_named(each))
    who = Identity(name="with all that no rule names", staff=True, permissions=others)

    assert len(others) > 20
    assert "\n".join(surprises(site, who, of_what_asks_for_a_permission())) == ""


def test_each_permission_that_no_rule_names_closes_what_any_permission_closes(site: Site) -> None:
    others = [each for each in every_permission() if not is_named(each)]
    asked = [each for each in of_what_asks_for_a_permission() if is_closed_by_any_permission(*each)]

    found = [line for each in others for line in surprises(site, single(each), asked)]

    assert len(asked) > 5
    assert "\n".join(found) == ""


@pytest.mark.parametrize("model", [*READ_ONLY, *EDITED])
def test_the_admins_pages_of_a_model_open_by_its_own_permissions_and_by_no_others(site: Site, model: str) -> None:
    own = [each for each in every_permission() if each.split(".")[0] == model.split(".", maxsplit=1)[0]]
    own = [each for each in own if each.rpartition("_")[2] == model.split(".")[1]]
    others = tuple(each for each in every_permission() if each not in own)
    asked = list(of_what_asks_for_a_permission(model))

    found = [surprises(site, single(each), asked) for each in own]
    found.append(surprises(site, Identity(name="with all others", staff=True, permissions=others), asked))

    assert asked
    assert "\n".join(line for lines in found for line in lines) == ""


@pytest.mark.parametrize("identity", [each for each in PEOPLE if each.scopes is None], ids=lambda each: each.name)
def test_the_admins_actions_act_for_those_who_may_and_for_nobody_else(site: Site, identity: Identity) -> None:
    credential = identity.credential(identity.user(site.owner), session_of)
    client, run = Client(), site.asking.run
    client.cookies["sessionid"] = credential.get("session", "")
    opens = identity.has("staff") and identity.has("runs.view_run")
    chosen = {"_selected_action": str(run.pk)}

    client.post("/admin/runs/run/", {"action": "run_again", **chosen})
    launched = Run.objects.filter(rerun_of=run).exists()
    client.post("/admin/runs/run/", {"action": "stop_runs", **chosen})
    stopped = Run.objects.get(pk=run.pk).status == "cancelled"
    for model in ("runs/run", "runs/toolcall"):
        client.post(f"/admin/{model}/", {"action": "delete_selected", "post": "yes", **chosen})

    assert launched == (opens and identity.has("launches"))
    assert stopped == (opens and identity.has("runs.stop_run"))
    assert Run.objects.filter(pk=run.pk).exists() and ToolCall.objects.filter(pk=site.asking.pk).exists()


@pytest.mark.parametrize("permission", ["runs.stop_run", "runs.launch_run"])
def test_one_permission_gives_one_of_the_admins_actions(site: Site, permission: str) -> None:
    who = Identity(name="one", staff=True, permissions=("runs.view_run", permission))
    client, run = Client(), site.asking.run
    client.cookies["sessionid"] = who.credential(who.user(site.owner), session_of)["session"]

    for action in ("run_again", "stop_runs"):
        client.post("/admin/runs/run/", {"action": action, "_selected_action": str(run.pk)})

    stopped = Run.objects.get(pk=run.pk).status == "cancelled"
    launched = Run.objects.filter(rerun_of=run).exists()
    assert (stopped, launched) == (permission == "runs.stop_run", permission == "runs.launch_run")


def test_the_groups_of_a_new_installation_may_what_the_rules_say(db: None) -> None:
    make_groups()

    may = {
        group.name: {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}
        for group in Group.objects.all()
    }

    assert may == {name: set(permissions) for name, permissions in GROUPS.items()}


def test_every_permission_there_is_is_tried(db: None) -> None:
    given = Permission.objects.filter(content_type__app_label__in=["auth", "runs"])

    assert {f"{app}.{name}" for app, name in given.values_list("content_type__app_label", "codename")} == {
        *every_permission()
    }


def test_the_table_in_the_documentation_is_that_of_the_rules() -> None:
    assert permission_table.FILE.read_text() == permission_table.text(), f"Remake it: {permission_table.COMMAND}"


@pytest.mark.parametrize("identity", [PEOPLE[4], PEOPLE[5], PEOPLE[7]], ids=lambda identity: identity.name)
def test_where_the_documentation_says_yes_somebody_is_let_in(site: Site, identity: Identity) -> None:
    lines = permission_table.FILE.read_text().splitlines()
    rows = [line.removesuffix(" |").split(" | ") for line in lines if line.startswith("| `GET /")]
    said = {row[0].removeprefix("| `GET /").removesuffix("`"): row[1:] for row in rows}
    column = [each for each in PEOPLE if each.scopes is None].index(identity)
    credential = identity.credential(identity.user(site.owner), session_of)
    admin = {name: route for name, route in addresses().items() if name.startswith("admin:") and route in said}

    answers = {route: ask(site, name, route, "GET", credential) for name, route in admin.items()}

    assert len(answers) > 40 and said["admin/runs/run/add/"][column] == "no"
    assert {route for route in answers if said[route][column] == "yes"} == {
        route for route, (status, _acted) in answers.items() if status in (200, 302)
    }


BROWSERS = [*(each for each in PEOPLE if each.scopes is None), *map(single, every_permission())]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("identity", BROWSERS, ids=lambda identity: identity.name)
async def test_every_socket_opens_as_its_rule_says(watch, make_run, owner, identity) -> None:
    make_groups()
    run = make_run(owner, steps=1, status="thinking")
    user = identity.user(owner)
    session = session_of(user) if user is not None else None
    found = []

    for route, rule in SOCKETS.items():
        path = f"/{route}".replace("<uuid:run_id>", str(run.pk)) if route else "/ws/nowhere/"
        message = await (await watch(path, user, session=session)).message()
        code = message["code"] if message["type"] == "websocket.close" else 0
        if code != rule.answer(identity):
            found.append(f"{route} {code}, not {rule.answer(identity)}")

    assert found == []
