"""Sign-ins at MCP servers that answer as nobody should, and of people whose rights change meanwhile."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from runs.agent.tools.person_questions import PersonAsked
from runs.agent.tools.registry import execute_tool_safely, registered_tools
from runs.agent.tools.web.http_hosts import parse_http_hosts
from runs.engine.mcp.client_settings import parse_mcp_clients
from runs.engine.mcp.pool import close_connections
from runs.engine.mcp.sign_ins import set_mode
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.decisions import turn_on
from runs.models import ServerSignIn, StoredTool, ToolSource
from tests.engine.mcp.oauth_fixtures import PAGE, AuthorizationServerDouble, begin, sign_in
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]
NINES = int("9" * 400)


@pytest.fixture
def editor(browser_of: BrowserOf, transactional_db: None, own_registry: None) -> Iterator[Client]:
    """The browser of a person who may change agents."""
    yield browser_of(person_with("editor", "change_agent"))
    async_to_sync(close_connections)()


@pytest.fixture
def source(editor: Client, oauth: AuthorizationServerDouble) -> ToolSource:
    """The server, which wants a sign-in."""
    editor.post("/tools/servers/", {"name": "test", "url": oauth.url})
    return ToolSource.objects.get(name="test")


class InternalHost:
    """A host of the internal network, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                self.send_response(404)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the name of the standard library

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def internal(settings: Any, oauth: AuthorizationServerDouble) -> Iterator[InternalHost]:
    """The host of another MCP server, which the settings name too."""
    host = InternalHost()
    settings.AGENTSITE_MCP_HOSTS = parse_http_hosts(json.dumps({oauth.origin: {}, host.origin: {}}), {})
    thread = threading.Thread(target=host.server.serve_forever)
    thread.start()
    yield host
    host.server.shutdown()
    thread.join()
    host.server.server_close()


def back_of(oauth: AuthorizationServerDouble, address: str) -> str:
    """The way back of a person who agrees."""
    back = urlsplit(oauth.agree(address))
    return f"{back.path}?{back.query}"


def test_who_may_no_longer_change_agents_signs_nobody_in_for_everybody(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    way = back_of(oauth, begin(editor))
    User.objects.get(username="editor").user_permissions.clear()

    shown = editor.get(way, follow=True)

    assert "You may not sign in at this server any more." in shown.content.decode()
    assert not ServerSignIn.objects.exists()


def test_a_sign_in_for_everybody_is_not_stored_once_each_person_signs_in(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    way = back_of(oauth, begin(editor, "server"))
    begin(editor, "person")

    shown = editor.get(way, follow=True).content.decode()

    assert "How people sign in at this server was changed meanwhile." in shown
    assert not ServerSignIn.objects.exists()


def test_a_sign_in_of_one_person_is_not_stored_once_one_is_for_everybody(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    way = back_of(oauth, begin(editor, "person"))
    begin(editor, "server")

    assert "was changed meanwhile" in editor.get(way, follow=True).content.decode()
    assert not ServerSignIn.objects.exists()


@pytest.mark.parametrize("what", ["right", "mode"])
def test_a_grant_is_revoked_if_right_or_mode_changes_while_the_server_grants_it(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from runs.engine.mcp.oauth.authorization import PendingSignIn

    granted, person = PendingSignIn.finish, User.objects.get(username="editor")

    async def finish(self: PendingSignIn, response: Any) -> Any:
        grant = await granted(self, response)
        if what == "right":
            await person.user_permissions.aclear()
        else:
            await ToolSource.objects.aupdate(options=source.options | {"sign_in": "person"})
        return grant

    way = back_of(oauth, begin(editor))
    monkeypatch.setattr(PendingSignIn, "finish", finish)

    editor.get(way, follow=True)

    assert not ServerSignIn.objects.exists()
    assert oauth.control()["revoked"] == 2


def test_another_mode_forgets_and_revokes_all_sign_ins(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    sign_in(editor, oauth)

    set_mode(ToolSource.objects.get(), "person")

    assert not ServerSignIn.objects.exists()
    assert oauth.control()["revoked"] == 2


@pytest.mark.parametrize("life", [NINES, -NINES, float("inf"), float("nan")], ids=["+", "-", "inf", "nan"])
def test_a_token_whose_lifetime_is_no_number_of_seconds_is_refused(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, life: Any
) -> None:
    oauth.control(told_life_s=str(life) if isinstance(life, float) else life)

    shown = sign_in(editor, oauth).content.decode()

    assert "a lifetime that is no number of seconds" in shown
    assert not ServerSignIn.objects.exists()


def test_a_renewal_with_such_a_lifetime_ends_the_sign_in_and_the_call_asks_for_another(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    sign_in(editor, oauth)
    editor.post(f"{PAGE}check/")
    for tool in StoredTool.objects.filter(source=source):
        turn_on(tool.pk, seen_hash=tool.hash, by=None)
    refresh_tools()
    oauth.control(told_life_s=NINES, end_tokens=True)

    with pytest.raises(PersonAsked):
        async_to_sync(execute_tool_safely)(registered_tools()["test__add"], {"a": 1, "b": 2})

    assert ServerSignIn.objects.get().is_over


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        ('Bearer resource_metadata="https://[::1"', "is not the address of a server"),
        ('Bearer resource_metadata="https://127.0.0.1:99999/x"', "port 99999"),
        ('Bearer resource_metadata="https://a\\b"', "has no valid host name"),
        ('Bearer resource_metadata="//x"', "does not begin with https"),
        ('Bearer resource_metadata="https://"', "can be fetched"),
        ('Bearer resource_metadata="https://xn--a"', ""),
        (f'Bearer resource_metadata="https://{"a" * 300}.example/"', ""),
        ('Bearer scope="\xe9"', "characters that are not ASCII"),
        ('Bearer resource_metadata="https://\xe9.\xff/"', "characters that are not ASCII"),
    ],
)
def test_a_challenge_that_makes_no_sense_is_refused_in_words(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, challenge: str, told: str
) -> None:
    oauth.control(challenge=challenge)

    refused = editor.post(f"{PAGE}sign-in/", {"mode": "server"})

    assert refused.status_code == 422
    assert told in refused.context["error"]
    assert refused.context["error"]


@pytest.mark.parametrize(
    "how",
    [
        {"challenge": 'Bearer resource_metadata="{}/admin"'},
        {"servers": ["{}/as"]},
        {"register_at": "{}/register"},
        {"tokens_at": "{}/token"},
    ],
    ids=["metadata", "issuer", "registration", "token"],
)
def test_a_server_leads_to_no_internal_host_that_is_named_for_another_one(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, internal: InternalHost, how: Any
) -> None:
    filled = json.loads(json.dumps(how).replace("{}", internal.origin))
    oauth.control(**filled)

    refused = editor.post(f"{PAGE}sign-in/", {"mode": "server"})

    assert refused.status_code == 422 and refused.context["error"]
    assert internal.paths == []


def test_a_server_leads_to_an_internal_issuer_that_the_settings_name(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, internal: InternalHost, settings: Any
) -> None:
    entry = json.dumps({f"{internal.origin}/as": {"client_id": "shop"}})
    settings.AGENTSITE_MCP_CLIENTS = parse_mcp_clients(entry, {})
    oauth.control(servers=[f"{internal.origin}/as"])

    editor.post(f"{PAGE}sign-in/", {"mode": "server"})

    assert "/.well-known/oauth-authorization-server/as" in internal.paths


def test_a_stored_grant_is_not_renewed_at_an_internal_host_of_another_server(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, internal: InternalHost
) -> None:
    from dataclasses import replace

    from runs.agent.errors.exceptions import ToolUnavailable
    from runs.engine.mcp.oauth.grants import renewed
    from runs.engine.mcp.oauth.stored_grants import grant_of

    sign_in(editor, oauth)
    grant = grant_of(ServerSignIn.objects.get())
    assert grant is not None

    with pytest.raises(ToolUnavailable, match="does not begin with https"):
        async_to_sync(renewed)(replace(grant, token_endpoint=f"{internal.origin}/token"))

    assert internal.paths == []
