"""Sign-ins at MCP servers: the authorization code with all that guards it, tokens that end, and runs that wait."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.tools.person_questions import PersonAsked
from runs.agent.tools.registry import execute_tool_safely, registered_tools
from runs.engine.mcp.oauth.stored_grants import grant_of
from runs.engine.mcp.pool import close_connections
from runs.engine.stored_tools.catalog import refresh_tools
from runs.models import ServerSignIn, StoredTool, ToolSource
from tests.engine.mcp.oauth_fixtures import PAGE, AuthorizationServerDouble, begin, sign_in
from tests.web.agent_fixtures import person_with

BrowserOf = Callable[[User | None], Client]


@pytest.fixture
def editor(browser_of: BrowserOf, transactional_db: None, own_registry: None) -> Iterator[Client]:
    """The browser of a person who may change agents, and the server added."""
    yield browser_of(person_with("editor", "change_agent"))
    async_to_sync(close_connections)()


@pytest.fixture
def source(editor: Client, oauth: AuthorizationServerDouble) -> ToolSource:
    """The server, which wants a sign-in."""
    editor.post("/tools/servers/", {"name": "test", "url": oauth.url})
    return ToolSource.objects.get(name="test")


def turn_on(source: ToolSource) -> None:
    """Approve all its tools."""
    from runs.engine.stored_tools.decisions import turn_on as turn_one_on

    for tool in StoredTool.objects.filter(source=source):
        turn_one_on(tool.pk, seen_hash=tool.hash, by=None)
    refresh_tools()


def call(name: str, **arguments: Any) -> Any:
    """Call a tool."""
    return async_to_sync(execute_tool_safely)(registered_tools()[name], arguments)


def test_a_person_signs_in_for_everybody_and_no_page_shows_a_token(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    assert source.state == "signed_out"
    page = editor.get(PAGE).content.decode()
    assert "Sign in for everybody" in page

    shown = sign_in(editor, oauth).content.decode()

    assert "You are signed in at test." in shown and editor.post(f"{PAGE}check/", follow=True).status_code == 200
    seen = oauth.control()
    assert (seen["registered"], seen["refused"]) == (1, [])
    turn_on(ToolSource.objects.get())
    assert call("test__add", a=1, b=2) == "3"
    stored = ServerSignIn.objects.get()
    for token in seen["tokens"]:
        assert token not in stored.sealed
        for address in (PAGE, f"{PAGE}sign-in/", "/tools/servers/"):
            assert token not in editor.get(address).content.decode()
    # What the server repeats of a token is hidden too.
    assert "access-" not in call("test__echo", text=f"You sent {seen['tokens'][0]}.")


@pytest.mark.parametrize(
    ("how", "changed", "told"),
    [
        ({}, {"state": "another"}, "was not begun in this browser"),
        ({}, {"state": ""}, "was not begun in this browser"),
        ({}, {"iss": "https://evil.example"}, "not from the server that the sign-in began at"),
        ({"iss": ""}, {}, "not from the server that the sign-in began at"),
        ({}, {"code": "of-another-person"}, "The authorization server refused: invalid_grant"),
        ({"denies": True}, {}, "The authorization server refused: access_denied: No."),
    ],
    ids=["state", "no state", "issuer", "no issuer", "code", "denied"],
)
def test_a_response_that_does_not_fit_signs_nobody_in(
    editor: Client,
    source: ToolSource,
    oauth: AuthorizationServerDouble,
    how: dict[str, Any],
    changed: dict[str, str],
    told: str,
) -> None:
    oauth.control(**how)

    shown = sign_in(editor, oauth, **changed).content.decode()

    assert told in shown
    assert not ServerSignIn.objects.exists()


def test_a_response_holds_once_and_in_the_browser_that_began_only(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, browser_of: BrowserOf
) -> None:
    back = oauth.agree(begin(editor))
    way = back.removeprefix("http://testserver")
    other = browser_of(person_with("other", "change_agent"))

    assert "was not begun in this browser" in other.get(way, follow=True).content.decode()
    assert not ServerSignIn.objects.exists()
    assert "You are signed in" in editor.get(way, follow=True).content.decode()
    assert "was not begun in this browser" in editor.get(way, follow=True).content.decode()
    assert ServerSignIn.objects.get().source == source


@pytest.mark.parametrize("parameter", ["next", "run", "redirect_uri", "state"])
def test_the_way_back_leads_to_this_site_only(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, parameter: str
) -> None:
    for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        response = sign_in(editor, oauth, **{parameter: target})
        assert response.redirect_chain[-1][0] == source.get_absolute_url()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"issuer": "https://evil.example"}, "says that it is https://evil.example"),
        ({"resource": "https://evil.example/mcp"}, "The server says that it is another one"),
        ({"methods": ["plain"]}, "does not say that it knows PKCE with S256"),
        ({"methods": []}, "does not say that it knows PKCE with S256"),
    ],
    ids=["issuer", "resource", "plain", "no PKCE"],
)
def test_a_server_that_cannot_be_trusted_is_not_signed_in_at(
    editor: Client,
    source: ToolSource,
    oauth: AuthorizationServerDouble,
    how: dict[str, Any],
    told: str,
) -> None:
    oauth.control(**how)

    refused = editor.post(f"{PAGE}sign-in/", {"mode": "server"})

    assert refused.status_code == 422
    assert told in refused.content.decode()


def test_a_token_is_renewed_before_it_ends_and_when_it_is_refused(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    oauth.control(life_s=30)
    sign_in(editor, oauth)
    editor.post(f"{PAGE}check/")
    turn_on(source)
    assert oauth.control(life_s=3600)["refreshed"] >= 1

    assert call("test__add", a=1, b=2) == "3"
    before = oauth.control(end_tokens=True)["refreshed"]
    assert call("test__add", a=2, b=2) == "4"

    assert oauth.control()["refreshed"] == before + 1
    assert oauth.control()["refused"] == []


def test_a_sign_in_that_was_revoked_is_over_and_one_that_cannot_be_renewed_now_is_not(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble
) -> None:
    sign_in(editor, oauth)
    editor.post(f"{PAGE}check/")
    turn_on(source)

    oauth.control(is_down=True, end_tokens=True)
    with pytest.raises(ToolUnavailable, match="answered 503"):
        call("test__add", a=1, b=2)
    assert not ServerSignIn.objects.get().is_over
    oauth.control(is_down=False, end_all=True)
    with pytest.raises(PersonAsked):
        call("test__add", a=1, b=2)

    assert ServerSignIn.objects.get().is_over
    assert "Nobody" not in sign_in(editor, oauth).content.decode()
    assert call("test__add", a=1, b=2) == "3"
    assert oauth.control()["registered"] == 1


def test_who_signs_out_revokes_the_tokens(editor: Client, source: ToolSource, oauth: AuthorizationServerDouble) -> None:
    sign_in(editor, oauth)

    editor.post(f"{PAGE}sign-out/")

    assert not ServerSignIn.objects.filter(source=source).exists()
    assert oauth.control()["revoked"] == 2


def test_each_person_signs_in_where_staff_say_so(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, browser_of: BrowserOf
) -> None:
    ada = person_with("ada")
    browser = browser_of(ada)
    assert browser.get(f"{PAGE}sign-in/").status_code == 404

    sign_in(editor, oauth, "person")
    shown = sign_in(browser, oauth, "server").content.decode()

    assert "You are signed in at test." in shown
    assert ToolSource.objects.get(pk=source.pk).options["sign_in"] == "person"
    assert ServerSignIn.objects.filter(user=ada).exists() and ServerSignIn.objects.count() == 2
    assert browser.get(PAGE).status_code == 404


def test_the_document_of_the_client_is_public_and_says_no_more_than_it_has_to(
    source: ToolSource, browser_of: BrowserOf, settings: Any
) -> None:
    from runs.engine.mcp.oauth.client_document import client_key

    settings.AGENTSITE_URL = "https://agents.example.org"
    way = f"/sign-ins/{client_key(source.pk)}/"

    told = browser_of(None).get(f"{way}client.json").json()

    assert told["client_id"] == f"https://agents.example.org{way}client.json"
    assert told["redirect_uris"] == [f"https://agents.example.org{way}"]
    assert source.name not in json.dumps(told)
    assert browser_of(None).get("/sign-ins/another/client.json").status_code == 404


def test_a_client_of_the_settings_is_used_with_its_secret_and_none_is_registered(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runs.engine.mcp.client_settings import parse_mcp_clients
    from runs.engine.mcp.oauth.client_document import client_key

    monkeypatch.setenv("SHOP_SECRET", "the secret of the shop")
    entry = json.dumps({f"{oauth.origin}/as": {"client_id": "shop", "client_secret": "$SHOP_SECRET"}})
    settings.AGENTSITE_MCP_CLIENTS = parse_mcp_clients(entry, {"SHOP_SECRET": "the secret of the shop"})
    oauth.control(client=["shop", "the secret of the shop", f"http://testserver/sign-ins/{client_key(source.pk)}/"])

    assert "You are signed in" in sign_in(editor, oauth).content.decode()

    assert oauth.control()["registered"] == 0


def test_where_a_server_takes_documents_the_client_is_the_address_of_one(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, settings: Any
) -> None:
    from runs.engine.mcp.oauth.client_document import client_key

    settings.AGENTSITE_URL = "https://agents.example.org"
    oauth.control(documents=True)

    asked = parse_qs(urlsplit(begin(editor)).query)

    way = f"https://agents.example.org/sign-ins/{client_key(source.pk)}/"
    assert (asked["client_id"], asked["redirect_uri"]) == ([f"{way}client.json"], [way])
    assert oauth.control()["registered"] == 0


def test_a_grant_of_another_secret_key_is_none(
    editor: Client, source: ToolSource, oauth: AuthorizationServerDouble, settings: Any
) -> None:
    sign_in(editor, oauth)
    row = ServerSignIn.objects.get()
    assert grant_of(row) is not None

    settings.SECRET_KEY = f"another {time.time()}"

    assert grant_of(row) is None
