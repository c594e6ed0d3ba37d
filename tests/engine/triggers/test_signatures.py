"""Signatures of deliveries, with the examples that the services document."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from django.http.request import HttpHeaders

from runs.engine.triggers.signatures import HmacRules, Scheme, hmac_rules_of, is_signed, is_usable_secret

PLAIN = HmacRules()
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14"
    b"d10d2c447fce8b6703c"
)
SLACK = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
GITHUB = {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}


def seconds(number: str) -> datetime:
    return datetime.fromtimestamp(int(number), tz=UTC)


def headers(given: dict[str, str]) -> HttpHeaders:
    return HttpHeaders({f"HTTP_{name.upper().replace('-', '_')}": text for name, text in given.items()})


def signed(
    scheme: str, secret: str, given: dict[str, str], body: bytes, now: datetime = NOW, rules: HmacRules = PLAIN
) -> bool:
    return is_signed(scheme, secret, headers(given), body, now=now, rules=rules)


def test_the_example_of_github_is_signed_and_no_other_body_or_secret_is():
    assert signed("github", "It's a Secret to Everybody", GITHUB, b"Hello, World!")
    assert not signed("github", "It's a Secret to Everybody", GITHUB, b"Hello, World?")
    assert not signed("github", "It's a secret to everybody", GITHUB, b"Hello, World!")
    assert not signed("github", "It's a Secret to Everybody", {}, b"Hello, World!")


def test_the_example_of_slack_is_signed_for_five_minutes_before_and_after_its_timestamp():
    then = seconds(SLACK["X-Slack-Request-Timestamp"])

    for age_s, holds in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        assert signed("slack", SLACK_SECRET, SLACK, SLACK_BODY, then + timedelta(seconds=age_s)) is holds, age_s
    assert not signed("slack", SLACK_SECRET, SLACK, SLACK_BODY + b"x", then)
    assert not signed("slack", SLACK_SECRET, SLACK | {"X-Slack-Request-Timestamp": "1531420619"}, SLACK_BODY, then)


def test_the_example_of_standard_webhooks_is_signed_for_five_minutes_before_and_after_its_timestamp():
    then = seconds(STANDARD["webhook-timestamp"])

    for age_s, holds in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        assert signed("standard", STANDARD_SECRET, STANDARD, STANDARD_BODY, then + timedelta(seconds=age_s)) is holds, (
            age_s
        )
    assert not signed("standard", STANDARD_SECRET, STANDARD | {"webhook-id": "msg_other"}, STANDARD_BODY, then)
    assert not signed("standard", STANDARD_SECRET, STANDARD, STANDARD_BODY + b" ", then)


def test_one_right_signature_of_several_is_enough_as_while_a_sender_rotates_its_secret():
    then = seconds(STANDARD["webhook-timestamp"])
    several = f"v1a,xyz v1,{'A' * 43}= {STANDARD['webhook-signature']} nonsense"

    assert signed("standard", STANDARD_SECRET, STANDARD | {"webhook-signature": several}, STANDARD_BODY, then)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha=", "v1,"])
def test_a_plain_hmac_is_read_as_its_rules_say(algorithm: str, encoding: str, prefix: str):
    made = hmac.new(b"a secret of ours", b"{}", getattr(hashlib, algorithm))
    written = made.hexdigest() if encoding == "hex" else base64.b64encode(made.digest()).decode()
    rules = HmacRules(header="X-Shop-Hmac", algorithm=algorithm, encoding=encoding, prefix=prefix)

    assert signed("hmac", "a secret of ours", {"X-Shop-Hmac": prefix + written}, b"{}", rules=rules)
    for wrong in (written + "x", prefix + written[:-1], prefix + prefix + prefix + written + "=", ""):
        assert not signed("hmac", "a secret of ours", {"X-Shop-Hmac": wrong}, b"{}", rules=rules), wrong
    assert hmac_rules_of(rules.as_json()) == rules


@pytest.mark.parametrize(
    "timestamp", ["", "-1", "1e9", "1531420618.0", " 1531420618", "١٥٣١٤٢٠٦١٨", "9" * 4000, "nan", "inf", "²", "0x5b47"]
)
@pytest.mark.parametrize("scheme", ["slack", "standard"])
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(scheme: str, timestamp: str):
    secret, given, name, body = {
        "slack": (SLACK_SECRET, SLACK, "X-Slack-Request-Timestamp", SLACK_BODY),
        "standard": (STANDARD_SECRET, STANDARD, "webhook-timestamp", STANDARD_BODY),
    }[scheme]

    assert not signed(scheme, secret, given | {name: timestamp}, body, seconds("1531420618"))


@pytest.mark.parametrize("scheme", [each for each in Scheme if each != "token"])
@pytest.mark.parametrize(
    "forged", ["", "é" * 10, "sha256=", "v0=", "v1,", ",,,, ,", "\udcff" * 5, "A" * 100_000, "v1,é"]
)
def test_no_forged_header_fails_the_check(scheme: Scheme, forged: str):
    names = ("X-Hub-Signature-256", "X-Slack-Signature", "webhook-signature", PLAIN.header)
    given = dict.fromkeys(names, forged) | {"webhook-id": "m", "webhook-timestamp": "1796040000"}
    given["X-Slack-Request-Timestamp"] = "1796040000"
    now = seconds("1796040000")

    assert not signed(scheme, STANDARD_SECRET, given, b"\xff\xfe", now)
    assert not signed(scheme, STANDARD_SECRET, given, b"{}", now)


def test_a_scheme_that_there_is_not_proves_nothing():
    assert not signed("none", "a secret of ours", {}, b"")


def test_a_secret_that_no_signature_can_be_made_with_is_not_usable():
    assert is_usable_secret("standard", STANDARD_SECRET)
    assert is_usable_secret("github", "It's a Secret to Everybody")
    assert is_usable_secret("token", "")
    for scheme, secret in (
        ("standard", "whsec_"),
        ("standard", "whsec_ä&%!!!!!"),
        ("github", ""),
        ("github", "short"),
        ("github", " with spaces around "),
        ("slack", "x" * 501),
        ("hmac", "with\nline end"),
    ):
        assert not is_usable_secret(scheme, secret), (scheme, secret)
