"""Settings from the environment; an invalid value gives one line and exit code 2."""

import os
import secrets
import stat
import subprocess
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from agentsite.environment import env_bool, env_int, env_list, env_modules, env_people, env_url, env_webhook
from agentsite.environment_services import MailServer, env_mail_server
from agentsite.origins import env_origins, env_proxies
from agentsite.secret_key import env_secret_key, fault_of, secret_in
from tests import site_process


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` in a subprocess whose environment has no setting of ours but `environment`."""
    return site_process.run(arguments, {"PATH": os.environ["PATH"], **environment}, limit_s=60)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("PORT", "eighty", "expected a whole number from 0 to 65535."),
        ("PORT", "65536", "expected a whole number from 0 to 65535."),
        ("AGENTSITE_DEBUG", "maybe", "expected one of 1, true, yes, on, 0, false, no, off."),
        ("AGENTSITE_URL", "agents.example.org", "expected an address without a path"),
        ("AGENTSITE_URL", "https://example.org/agents", "expected an address without a path"),
        ("AGENTSITE_URL", "https://example.org:port", "expected an address without a path"),
        ("AGENTSITE_MAX_RUNS", "0", "expected a whole number from 1 to 100000."),
        ("AGENTSITE_MAX_RUNS", "-5", "expected a whole number from 1 to 100000."),
        ("AGENTSITE_LANGUAGE", "klingon", "expected one of "),
        ("AGENTSITE_TIME_ZONE", "Mars/Olympus", "expected the name of a time zone"),
        ("AGENTSITE_LOG_LEVEL", "LOUD", "expected one of DEBUG, INFO, WARNING, ERROR."),
        ("AGENTSITE_LOG_FORMAT", "xml", "expected one of line, json."),
        ("AGENTSITE_METRICS_TOKEN", "short", "expected at least 16 letters, digits and signs"),
        ("AGENTSITE_TOOLS", "my-tools", "expected dotted module names"),
        ("AGENTSITE_TOOLS", "no_such_module", "no module"),
        ("AGENTSITE_APPS", "my-shop", "expected dotted module names"),
        ("AGENTSITE_APPS", "no_such_shop.orders", "there is no package no_such_shop"),
        ("AGENTSITE_ENDPOINTS", "{not json", "not JSON"),
        ("AGENTSITE_ENDPOINTS", '[{"name": "local", "kind": "telepathy"}]', "telepathy"),
        ("AGENTSITE_FETCH_HOSTS", "wiki.internal, http://wiki", "'http://wiki' is not a host or host:port"),
        ("AGENTSITE_FETCH_HOSTS", "wiki.internal:http", "is not a host or host:port"),
        ("AGENTSITE_APPRISE_SERVICES", "ntfy,exec", "expected names of services over HTTP"),
        ("AGENTSITE_PUSH_HOSTS", "https://push.internal", "is not a host or host:port"),
        ("AGENTSITE_WEBHOOK_HOSTS", "https://hooks.internal", "is not a host or host:port"),
        ("AGENTSITE_HTTP_HOSTS", "{not json", "is not JSON"),
        ("AGENTSITE_HTTP_HOSTS", '{"api.example.org": {}}', "must be an origin without a path"),
        ("AGENTSITE_HTTP_HOSTS", '{"https://api.example.org": {"X-Key": "$NOT_THERE"}}', "NOT_THERE, which is not set"),
        ("AGENTSITE_API_SECRETS", "{not json", "is not JSON"),
        ("AGENTSITE_API_SECRETS", '{"api.example.org": []}', "must be an origin without a path"),
        ("AGENTSITE_API_SECRETS", '{"https://api.example.org": "KEY"}', "must be a list of the names of variables"),
        ("AGENTSITE_API_SECRETS", '{"https://api.example.org": ["NOT_THERE"]}', "NOT_THERE, which is not set"),
        ("AGENTSITE_MCP_SERVERS", "{not json", "is not JSON"),
        ("AGENTSITE_MCP_SERVERS", '{"My Server": {"command": "x"}}', "at most 24 lower-case letters, digits"),
        ("AGENTSITE_MCP_SERVERS", '{"time": {"args": []}}', 'must be an object with a "command"'),
        ("AGENTSITE_MCP_SERVERS", '{"time": {"command": "x", "env": {"A": "b"}}}', "env must be a list of texts"),
        (
            "AGENTSITE_MCP_CLIENTS",
            '{"https://a.example": {"client_secret": "x"}}',
            'must be an object with a "client_id"',
        ),
        ("AGENTSITE_MCP_HOSTS", '{"mcp.example.org": {}}', "must be an origin without a path"),
        ("AGENTSITE_SKILLS", "/no/such/folder", "cannot read this folder (No such file or directory)."),
        ("AGENTSITE_SKILLS", "tests/agent/tools", "has no SKILL.md."),
        ("AGENTSITE_SEARCH", "google", "expected off, or some of searxng, brave, tavily, ddgs."),
        ("AGENTSITE_SEARCH", "brave", "brave needs BRAVE_API_KEY."),
        ("AGENTSITE_SEARXNG_URL", "searx.internal", "expected the address of a SearXNG"),
        ("AGENTSITE_DAILY_USD_PER_USER", "five", "expected an amount of US dollars above 0"),
        ("AGENTSITE_DAILY_USD_PER_USER", "-1", "expected an amount of US dollars above 0"),
        ("AGENTSITE_DAILY_TOKENS_PER_USER", "many", "expected a whole number"),
        ("AGENTSITE_ADMINS", "Ada", "expected mail addresses separated by commas."),
        ("AGENTSITE_DATA", "/dev/null/data", "cannot make this folder (Not a directory)."),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_line_and_exit_code_2(name, value, accepted, tmp_path):
    result = manage("check", **{"AGENTSITE_DATA": str(tmp_path), name: value})

    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert name in result.stderr
    assert accepted in result.stderr


POSTGRES = "postgres://user:hunter2@127.0.0.1:5432/agentsite"
REDIS = "redis://:hunter2@127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("variables", "name", "accepted"),
    [
        ({"DATABASE_URL": POSTGRES}, "DATABASE_URL", "set REDIS_URL="),
        ({"REDIS_URL": REDIS}, "REDIS_URL", "set DATABASE_URL="),
        ({"DATABASE_URL": POSTGRES.replace("postgres:", "mysql:"), "REDIS_URL": REDIS}, "DATABASE_URL", "postgres://"),
        ({"DATABASE_URL": POSTGRES.removesuffix("agentsite"), "REDIS_URL": REDIS}, "DATABASE_URL", "5432/name"),
        ({"DATABASE_URL": POSTGRES.replace("5432", "many"), "REDIS_URL": REDIS}, "DATABASE_URL", "postgres://"),
        ({"DATABASE_URL": POSTGRES, "REDIS_URL": "http://:hunter2@cache"}, "REDIS_URL", "expected redis://"),
        ({"DATABASE_URL": POSTGRES, "REDIS_URL": "redis://"}, "REDIS_URL", "expected redis://"),
    ],
)
def test_servers_that_cannot_be_used_are_refused_in_one_line_without_their_passwords(
    variables, name, accepted, tmp_path
):
    result = manage("check", AGENTSITE_DATA=str(tmp_path), **variables)

    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"Agentsite: {name}=…")
    assert accepted in result.stderr
    assert "hunter2" not in result.stderr


def test_every_host_is_refused_as_an_allowed_host(tmp_path):
    result = manage("check", AGENTSITE_DATA=str(tmp_path), AGENTSITE_ALLOWED_HOSTS="*")

    assert result.returncode != 0
    assert "agentsite.E001" in result.stderr


def test_production_settings_pass_the_deployment_checks(tmp_path):
    result = manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        AGENTSITE_DATA=str(tmp_path),
        AGENTSITE_URL="https://agents.example.org",
    )

    assert result.returncode == 0, result.stderr


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    file = tmp_path / "secret_key"

    first, second = secret_in(file), secret_in(file)

    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Xk3-9fQ2", "it has 8 characters, expected at least 32"),
        ("a" * 64, "only 1 different characters"),
        ("abababab" * 8, "only 2 different characters"),
        ("0123456789abcdef" * 4, "it is a pattern"),
        ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "it is a pattern"),
        ("django-insecure-w@x3#9s(k2d!p0v8q&7z$m5n^r4t*y6u+e", "it is a placeholder"),
        ("CHANGE_ME-to-50-random-characters-please-1234567890", "it is a placeholder"),
        ("my-super-secret-key-for-agentsite-production-2026", "it is a placeholder"),
        ("this-is-an-EXAMPLE-key-do-not-use-it-anywhere-at-all", "it is a placeholder"),
    ],
)
def test_a_secret_key_that_can_be_guessed_is_one_line_and_exit_code_2_and_not_repeated(key, words, tmp_path):
    from_environment = manage("check", AGENTSITE_DATA=str(tmp_path), AGENTSITE_SECRET_KEY=key)
    (tmp_path / "secret_key").write_text(key)
    with pytest.raises(ImproperlyConfigured) as from_file:
        env_secret_key("AGENTSITE_NO_SUCH_KEY", tmp_path / "secret_key")

    assert from_environment.returncode == 2
    assert len(from_environment.stderr.splitlines()) == 1
    assert from_environment.stderr.startswith("Agentsite: AGENTSITE_SECRET_KEY=…: it ")
    assert words in from_environment.stderr
    assert "secrets.token_urlsafe(50)" in from_environment.stderr
    assert words in str(from_file.value)
    assert key not in from_environment.stderr + str(from_file.value)


@pytest.mark.parametrize(
    "make",
    [
        get_random_secret_key,
        lambda: secrets.token_hex(16),
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_hex(32),
    ],
)
def test_random_secret_keys_of_every_make_are_taken(make):
    assert [fault for fault in (fault_of(make()) for _ in range(2000)) if fault] == []


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("AGENTSITE_TRUSTED_PROXIES", "nginx", "expected the number of proxies in a row"),
        ("AGENTSITE_TRUSTED_PROXIES", "-1", "expected the number of proxies in a row"),
        ("AGENTSITE_TRUSTED_PROXIES", "33", "expected the number of proxies in a row"),
        ("AGENTSITE_TRUSTED_PROXIES", "10.0.0.0/99", "expected the number of proxies in a row"),
        ("AGENTSITE_CORS_ORIGINS", "*", "expected exact origins"),
        ("AGENTSITE_CORS_ORIGINS", "app.example.org", "expected exact origins"),
        ("AGENTSITE_CORS_ORIGINS", "https://app.example.org/path", "expected exact origins"),
        ("AGENTSITE_CORS_ORIGINS", "https://app.example.org:443", "expected exact origins"),
        ("AGENTSITE_CORS_ORIGINS", "https://*.example.org", "expected exact origins"),
        ("AGENTSITE_CORS_ORIGINS", "null", "expected exact origins"),
    ],
)
def test_who_stands_before_and_beside_the_site_is_named_exactly(name, value, accepted, monkeypatch):
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=accepted):
        (env_proxies if name == "AGENTSITE_TRUSTED_PROXIES" else env_origins)(name)


def test_an_empty_secret_key_is_refused(tmp_path):
    (tmp_path / "secret_key").touch()

    with pytest.raises(ImproperlyConfigured, match="is empty"):
        secret_in(tmp_path / "secret_key")


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), (" on ", True), ("0", False), ("FALSE", False), ("", False)]
)
def test_a_switch_is_read_in_any_case(text, value, monkeypatch):
    monkeypatch.setenv("SWITCH", text)

    assert env_bool("SWITCH") is value


def test_an_absent_number_is_the_default(monkeypatch):
    monkeypatch.setenv("NUMBER", "")

    assert env_int("NUMBER", 7, minimum=1, maximum=9) == 7


def test_a_list_ignores_spaces_and_empty_words(monkeypatch):
    monkeypatch.setenv("LIST", " a.example , ,b.example,")

    assert env_list("LIST") == ["a.example", "b.example"]


def test_modules_are_dotted_names(monkeypatch):
    monkeypatch.setenv("MODULES", "shop.agent_tools, weather")

    assert env_modules("MODULES") == ["shop.agent_tools", "weather"]


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Agents.Example.org/", "https://agents.example.org"),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_becomes_an_origin(text, origin, monkeypatch):
    monkeypatch.setenv("ADDRESS", text)

    assert env_url("ADDRESS") == origin


def show(setting: str, tmp_path: Path, **environment: str) -> str:
    """The value of a setting, as the site sees it."""
    code = f"from django.conf import settings; print(settings.{setting})"
    result = manage("shell", "--no-imports", "-c", code, AGENTSITE_DATA=str(tmp_path), **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_an_https_address_turns_on_secure_cookies_and_redirects(tmp_path):
    shown = show(
        "SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT, settings.CSRF_COOKIE_NAME",
        tmp_path,
        AGENTSITE_URL="https://agents.example.org",
    )

    assert shown == "True True True __Host-csrftoken"


def test_without_an_address_nothing_asks_for_https(tmp_path):
    assert show("SESSION_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT, settings.DEBUG", tmp_path) == "False False False"


def test_allowed_hosts_follow_the_address_and_the_host(tmp_path):
    shown = show(
        "ALLOWED_HOSTS", tmp_path, AGENTSITE_URL="https://a.example:8443", HOST="::", AGENTSITE_ALLOWED_HOSTS="b"
    )

    assert shown == "['127.0.0.1', 'localhost', '[::1]', '[::]', 'a.example', 'b']"


def test_the_mail_server_and_the_webhook_are_not_repeated_when_they_are_wrong(monkeypatch):
    monkeypatch.setenv("AGENTSITE_MAIL_SERVER", "http://user:pa55word@mail")
    monkeypatch.setenv("AGENTSITE_ALERT_WEBHOOK", "pa55word")

    for read, name in ((env_mail_server, "AGENTSITE_MAIL_SERVER"), (env_webhook, "AGENTSITE_ALERT_WEBHOOK")):
        with pytest.raises(ImproperlyConfigured) as refused:
            read(name)
        assert "pa55word" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("", MailServer("localhost", 25, "", "", is_tls=False, starts_tls=False)),
        ("smtp://ada:p%40ss@mail", MailServer("mail", 587, "ada", "p@ss", is_tls=False, starts_tls=True)),
        ("smtps://ada:pass@mail:4650", MailServer("mail", 4650, "ada", "pass", is_tls=True, starts_tls=False)),
    ],
)
def test_a_mail_server_is_an_address(text, server, monkeypatch):
    monkeypatch.setenv("AGENTSITE_MAIL_SERVER", text)

    assert env_mail_server("AGENTSITE_MAIL_SERVER") == server


def test_admins_may_have_names(monkeypatch):
    monkeypatch.setenv("AGENTSITE_ADMINS", "Ada <ada@example.org>, bob@example.org")

    assert env_people("AGENTSITE_ADMINS") == [("Ada", "ada@example.org"), ("", "bob@example.org")]
