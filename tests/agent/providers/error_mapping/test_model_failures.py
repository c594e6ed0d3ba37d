"""Error responses of servers: the full message and the kind of failure."""

import time

import pytest

from runs.agent.errors.agent_error import ErrorSeverity
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.providers.error_mapping.model_failures import MAX_MESSAGE_CHARS, failure_from_body
from runs.agent.providers.model_server import Server
from tests.agent.wordings import rows_of

HERE = Server("local", "http://127.0.0.1:1/v1", "the-key")
RETRIED = {"bad_reply", "timeout", "network", "rate_limited", "overloaded", "server"}


def told(body: object, status: int = 200, **more) -> ModelFailure:
    more = {"phase": "first_token", **more}
    return failure_from_body(body, status=status, server=HERE, model="m1", **more)


@pytest.mark.parametrize(("status", "body", "kind"), rows_of("refusals", "status", "body", "kind"))
def test_every_refusal_is_known_by_its_words_and_only_a_wrong_key_is_critical(status, body, kind):
    failure = told(body, 200 if status is None else status)

    error = handle_agent_error(failure, {})
    assert (failure.kind, error.code) == (kind, f"model_{kind}")
    assert is_worth_retrying(failure) == (kind in RETRIED)
    assert (error.severity is ErrorSeverity.CRITICAL) == (kind == "auth")


@pytest.mark.parametrize(("status", "body", "window"), rows_of("overflows", "status", "body", "window"))
def test_a_request_larger_than_the_window_says_so_and_names_the_setting(status, body, window):
    failure = told(body, status)

    assert (failure.kind, failure.context_tokens) == ("context_overflow", window)
    assert "context_tokens" in (handle_agent_error(failure, {}).suggested_action or "")
    assert not is_worth_retrying(failure)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        # An object, a string, a list
        ({"error": {"message": "No."}}, "No."),
        ({"error": "No."}, "No."),
        ({"error": ["No.", "Never."]}, "No. Never."),
        ([{"error": {"message": "No."}}], "No."),
        ({"message": "No."}, "No."),
        ({"object": "error", "message": "No."}, "No."),
        ({"detail": "No."}, "No."),
        ({"detail": {"error": {"message": "No."}}}, "No."),
        (
            {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Field required", "type": "missing"}]},
            "body.messages.0.role: Field required",
        ),
        ({"errors": [{"code": 7009, "message": "Upstream is away"}], "success": False}, "Upstream is away"),
        ({"base_resp": {"status_code": 2049, "status_msg": "odd"}}, "odd"),
        # Several explanations: none is lost, none is repeated
        (
            {"error": "Unauthorized", "message": "The key has no access to m1"},
            "Unauthorized. The key has no access to m1",
        ),
        ({"error": {"message": "No.", "hint": "Ask later."}, "message": "No."}, "No. Ask later."),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "code": 400,
                    "metadata": {
                        "raw": '{"error": {"message": "supports at most 1 image per prompt."}}',
                        "provider_name": "Crucible",
                        "remedy_hint": "Send fewer.",
                    },
                },
                "user_id": "user_1",
            },
            "from Crucible: Provider returned error. supports at most 1 image per prompt. Send fewer.",
        ),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"raw": "temporarily away", "provider_name": "X"},
                }
            },
            "from X: Provider returned error. temporarily away",
        ),
        (
            {
                "error": {
                    "message": "Invalid.",
                    "details": [{"fieldViolations": [{"description": "contents: is empty"}]}],
                }
            },
            "Invalid. contents: is empty",
        ),
        # JSON in a string, in JSON, in a string
        ({"error": {"message": '{"error": {"message": "{\\"detail\\": \\"deep\\"}"}}'}}, "deep"),
        ('{"error": {"message": "as text"}}', "as text"),
        (b'\xef\xbb\xbf{"error": {"message": "as bytes"}}', "as bytes"),
        # A code that adds to the message
        ({"error": {"message": "No.", "code": "model_is_retired"}}, "No. (model_is_retired)"),
        ({"error": {"message": "No.", "type": "invalid_request_error", "code": None}}, "No."),
        ({"error": {"code": "model_is_retired"}}, "model_is_retired"),
        # A body of no known shape is shown unchanged
        ({"ok": False}, '{"ok": false}'),
        ({"error": {}}, '{"error": {}}'),
        # Pages and texts
        ("<html><head><title>Sign in &amp; go</title></head></html>", "a web page, “Sign in & go”"),
        ("<!DOCTYPE html><body><h1>Gateway</h1>", "a web page, “Gateway”"),
        ("<html></html>", "a web page, not the reply of a model"),
        ("plain\n  words\x00", "plain words"),
        (b"plain bytes", "plain bytes"),
        ("", "no explanation (Bad Request)"),
        (b"", "no explanation (Bad Request)"),
        (None, "no explanation (Bad Request)"),
        ([], "[]"),
    ],
    ids=str,
)
def test_the_words_are_found_in_every_shape_of_a_body(body, words):
    assert str(told(body, 400)) == f"local answered 400: {words}"


def test_the_key_is_never_told_and_other_secrets_are_not():
    body = {"error": {"message": "Wrong key: the-key, and sk-1234567890abcdef."}}

    assert str(told(body, 401)) == "local answered 401: Wrong key: [hidden], and [hidden]."


def test_a_long_explanation_is_told_to_its_end_and_a_page_of_logs_is_not():
    long = "word " * 700 + "end"

    assert str(told({"detail": long}, 400)).endswith("end")
    assert len(str(told({"detail": long * 20}, 400))) == MAX_MESSAGE_CHARS + 1


def test_the_request_is_named_for_the_providers_support():
    in_body = told({"error": {"message": "No."}, "request_id": "req_1"}, 500)
    in_header = told({"error": {"message": "No."}}, 500, headers={"X-Request-Id": "req_2"})

    assert handle_agent_error(in_body, {}).context["request_id"] == "req_1"
    assert handle_agent_error(in_header, {}).context["request_id"] == "req_2"


def test_a_redirect_names_the_address_to_configure():
    failure = told(b"", 308, headers={"Location": "https://models.example.org/v1/chat/completions"})

    assert failure.kind == "wrong_address"
    assert "https://models.example.org/v1/chat/completions" in str(failure)
    assert "base_url" in (handle_agent_error(failure, {}).suggested_action or "")


@pytest.mark.parametrize(
    ("body", "message", "status"),
    [
        ({"error": {"message": "Bad gateway", "code": 502}}, "local answered 502: Bad gateway", 502),
        ({"error": "odd"}, "local answered with an error in place of a reply: odd", None),
        ("<html><title>Hello</title></html>", "local answered with a web page, “Hello”", None),
        ("Overloaded", "local answered with an error in place of a reply: Overloaded", None),
    ],
)
def test_an_error_in_a_200_is_told_with_the_status_it_names(body, message, status):
    failure = told(body)

    assert (str(failure), failure.status) == (message, status)


@pytest.mark.parametrize(("phase", "kind"), [("stream", "server"), ("first_token", "bad_reply")])
def test_a_plain_text_is_an_error_of_the_server_in_a_stream_and_no_reply_before_one(phase, kind):
    assert told("Something odd.", phase=phase).kind == kind


@pytest.mark.parametrize(
    ("headers", "body", "wait_s"),
    [
        ({"Retry-After": "2.5"}, {}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "60"}, {}, 1.5),
        ({"retry-after": "1m30s"}, {}, 90),
        ({"retry-after": "-1"}, {}, None),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "1_0"}, {}, None),
        # Google
        ({}, {"error": {"details": [{"retryDelay": "12.5s"}], "message": "Please retry in 99s."}}, 12.5),
        ({"retry-after": "3"}, {"error": {"details": [{"retryDelay": "12.5s"}]}}, 3),
        ({}, {"error": {"message": "Quota exceeded. Please retry in 36.429760048s."}}, 36.429760048),
        # OpenAI, Groq, Azure, OpenRouter
        ({}, {"error": {"message": "Rate limit reached. Please try again in 1.5s. Visit https://x"}}, 1.5),
        ({}, {"error": {"message": "Rate limit reached. Please try again in 120ms."}}, 0.12),
        ({}, {"error": {"message": "Rate limit reached (TPD). Please try again in 14m24s."}}, 864),
        ({}, {"error": {"message": "Please try again in 1h2m3.5s."}}, 3723.5),
        ({}, {"error": {"message": "Please retry after 20 seconds."}}, 20),
        ({}, {"error": {"message": "Please wait 2 minutes and try again."}}, 120),
        ({}, {"error": {"message": "Slow down.", "retry_after": 7}}, 7),
        ({}, {"error": {"message": "Try again later."}}, None),
        ({}, {"error": {"message": "Try again in 5 models."}}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m6s"}, {}, 66),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, {}, 0.12),
        ({"x-ratelimit-remaining-tokens": "55", "x-ratelimit-reset-tokens": "6m0s"}, {}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, {}, 1),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999999"}, {}, None),
    ],
    ids=str,
)
def test_the_wait_asked_for_is_found_in_headers_fields_and_words(headers, body, wait_s):
    assert told(body, 429, headers=headers).retry_after_s == (None if wait_s is None else pytest.approx(wait_s))


def test_a_gateway_quotes_the_headers_of_the_server_behind_it():
    quoted = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"}
    body = {"error": {"message": "Rate limit exceeded: free-models-per-min.", "metadata": {"headers": quoted}}}

    assert told(body, 429).retry_after_s == 5


@pytest.mark.parametrize(
    "body",
    [
        "<title" * 60_000,
        "<html>" + "<h1 " * 60_000,
        '{"error":' * 30_000,
        "[" * 200_000,
        '{"message": "' + "try again in 1" * 30_000 + '"}',
        {"error": {"message": "reached your " * 30_000}},
        {"error": {"message": "does not support " * 30_000}},
        {"error": [{"message": str(number)} for number in range(100_000)]},
        "api key " * 60_000,
        "project " + "x" * 300_000,
    ],
    ids=lambda body: str(body)[:30],
)
def test_no_body_takes_long_to_read(body):
    started = time.process_time()

    told(body, 400)

    assert time.process_time() - started < 1
