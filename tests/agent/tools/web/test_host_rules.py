"""The settings name hosts with or without a port."""

import pytest

from runs.agent.tools.web.host_rules import PORTS, HostRules, fetch_rules, parse_hosts


def test_hosts_are_read_with_and_without_a_port() -> None:
    text = " wiki.internal, 10.0.0.5:9000,,[fd00::5]:9000 ,[fd00::6], INTRANET.:80 "

    assert parse_hosts(text.split(",")) == [
        ("wiki.internal", None),
        ("10.0.0.5", 9000),
        ("fd00::5", 9000),
        ("fd00::6", None),
        ("intranet", 80),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        "http://wiki",
        "wiki/",
        "wiki:port",
        "wiki:",
        "wiki:0",
        "wiki:70000",
        "ada@wiki",
        "*.wiki",
        "wiki 1",
        "Wikí",
        "[::1",
        ":80",
    ],
)
def test_what_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a host or host:port"):
        parse_hosts([entry])


def test_a_host_without_a_port_is_named_at_the_usual_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTSITE_FETCH_HOSTS", "wiki.internal, 10.0.0.5:9000")
    rules = fetch_rules()

    assert all(rules.are_named("wiki.internal", port) for port in PORTS)
    assert rules.are_named("10.0.0.5", 9000)
    assert not rules.are_named("wiki.internal", 22) and not rules.are_named("10.0.0.5", 80)
    assert not HostRules().are_named("wiki.internal", 80)
