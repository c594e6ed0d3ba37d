"""The payload, the headers and the name of a delivery."""

import json
from typing import Any

import pytest
from django.http.request import HttpHeaders

from runs.agent.redaction.redactor import Redactor
from runs.engine.triggers.payloads import (
    MAX_BODY_BYTES,
    MOST_FORM_FIELDS,
    MOST_HEADERS,
    MOST_VALUES,
    PayloadRefused,
    kept_headers,
    read_body,
    read_request,
)
from runs.engine.triggers.signatures import HmacRules

FORM = "application/x-www-form-urlencoded; charset=utf-8"
RULES = HmacRules(id_header="X-Delivery")


def received(body: bytes, scheme: str = "hmac", **given: str) -> Any:
    headers = HttpHeaders({"HTTP_" + name.upper(): text for name, text in given.items()})
    return read_request(body, headers, scheme=scheme, rules=RULES)


def test_a_body_is_json_or_a_form_or_empty():
    assert read_body(b'{"a": [1, "\xc3\xa4"]}') == {"a": [1, "ä"]}
    assert read_body(b"\xef\xbb\xbf[1]") == [1]
    assert read_body(b"  ") is None
    assert read_body(b"text=a+b&empty=&text=last", FORM) == {"text": "last", "empty": ""}
    assert read_body(b"payload=%7B%22a%22%3A1%7D", FORM) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xfe{", ""),
        (b"{", ""),
        (b"NaN", ""),
        (b"[1e999]", ""),
        (b"[" * 200_000, ""),
        (b"[" * 5000 + b"]" * 5000, ""),
        (b'{"a":' * 101 + b"1" + b"}" * 101, ""),
        (b"1" * 5000, ""),
        (b"[" + b"1," * MOST_VALUES + b"1]", ""),
        (b" " * (MAX_BODY_BYTES + 1), ""),
        (b"a&" * (MOST_FORM_FIELDS + 1), FORM),
        (b"payload=%7B", FORM),
    ],
    ids=lambda each: repr(each[:12]),
)
def test_a_body_that_cannot_be_stored_is_refused_with_a_reason(body: bytes, content_type: str):
    with pytest.raises(PayloadRefused, match="payload"):
        read_body(body, content_type)


def test_what_no_database_stores_is_replaced():
    assert received(b'{"a\\u0000": "\\ud800"}').body == {"a\ufffd": "?"}


@pytest.mark.parametrize(
    ("scheme", "body", "given", "key"),
    [
        ("github", b"{}", {"x_github_delivery": "72d3162e"}, "72d3162e"),
        ("standard", b"{}", {"webhook_id": "msg_1"}, "msg_1"),
        ("slack", b'{"event_id": "Ev1"}', {}, "Ev1"),
        ("slack", b'{"event_id": 5, "trigger_id": "T1"}', {}, "T1"),
        ("slack", b"[]", {}, ""),
        ("hmac", b"{}", {"x_delivery": "7"}, "7"),
        ("hmac", b"{}", {"x_other": "7"}, ""),
        ("token", b"{}", {"x_delivery": "\x00"}, "\ufffd"),
    ],
)
def test_each_service_names_its_deliveries_in_its_own_place(scheme: str, body: bytes, given: Any, key: str):
    assert received(body, scheme, **given).key == key


def test_a_long_name_is_known_by_its_hash():
    first, second = (received(b"", "github", x_github_delivery="x" * 5000 + end).key for end in "ab")

    assert first != second
    assert first.startswith("sha256:")


def test_headers_that_prove_something_are_not_kept():
    headers = {
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": "sha256=1",
        "X-Gitlab-Token": "t",
        "X-Shopify-Hmac-Sha256": "s",
        "Authorization": "Bearer x",
        "Cookie": "a=b",
        "X-Forwarded-For": "10.0.0.1",
        "X-Api-Key": "k",
        "Content-Type": "application/json",
        "webhook-id": "m",
        "webhook-signature": "v1,x",
    }

    assert set(kept_headers(headers.items())) == {"x-github-event", "content-type", "webhook-id"}


def test_a_flood_of_headers_is_cut():
    kept = kept_headers((f"X-Number-{number}", "v" * 100_000) for number in range(5000))

    assert len(kept) == MOST_HEADERS
    assert len(json.dumps(kept)) < MOST_HEADERS * 600


@pytest.mark.parametrize(
    ("body", "given", "event"),
    [
        (b"{}", {"x_github_event": "push"}, "push"),
        (b'{"type": "invoice.paid"}', {}, "invoice.paid"),
        (b'{"type": "event_callback", "event": {"type": "app_mention"}}', {}, "app_mention"),
        (b'{"type": {"not": "a text"}}', {}, ""),
        (b"[]", {}, ""),
        (json.dumps({"type": "x" * 1000}).encode(), {}, "x" * 80),
    ],
)
def test_the_event_is_told_in_the_words_of_the_sender(body: bytes, given: Any, event: str):
    assert received(body, **given).event == event


def test_secrets_are_hidden_before_anything_is_stored():
    secret = "sUp3r-l0ng-s3cret-0f-a-s3rver"

    hidden = received(json.dumps({"text": f"see {secret}", "n": 1}).encode(), x_note=secret).without_secrets(
        Redactor([secret])
    )

    assert secret not in json.dumps([hidden.body, hidden.headers])
    assert hidden.body["n"] == 1


def test_the_header_that_a_trigger_names_for_its_proof_is_not_kept():
    rules = HmacRules(header="X-Our-Proof")

    told = read_request(
        b"{}", HttpHeaders({"HTTP_X_OUR_PROOF": "p", "HTTP_X_OUR_EVENT": "e"}), scheme="hmac", rules=rules
    )

    assert told.headers == {"x-our-event": "e"}
