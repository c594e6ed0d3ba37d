"""Redaction of known secrets in every form and of text that looks like one; whole, in pieces, in bounded time."""

import base64
import html
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest

from runs.agent.redaction.redactor import MOST_NAMES, Redactor, redacted, secrets_in
from runs.agent.redaction.secret_values import short_secrets_in
from runs.agent.redaction.stream_redactor import PieceRedactor

SECRET = "/p\"a<ss>&'wörd+1 x/Z9"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----"
FORMS = {
    "as it is": SECRET,
    "JSON": json.dumps(SECRET),
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False),
    "JSON in JSON": json.dumps(json.dumps({"key": SECRET})),
    "JSON with escaped slashes": json.dumps(SECRET).replace("/", "\\/"),
    "JSON for HTML": json.dumps(SECRET).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    "repr": repr(SECRET),
    "ascii": ascii(SECRET),
    "path": quote(SECRET),
    "query": quote_plus(SECRET),
    "percent": quote(SECRET, safe=""),
    "percent in small letters": re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
    "HTML": html.escape(SECRET),
    "HTML with numbers": html.escape(SECRET).replace("&#x27;", "&#39;"),
    "Base64": base64.b64encode(SECRET.encode()).decode(),
    "Base64 of a user": base64.b64encode(f"ada:{SECRET}".encode()).decode(),
    "Base64 of another user": base64.b64encode(f"root:{SECRET}".encode()).decode(),
    "Base64 for addresses": base64.urlsafe_b64encode(f"{SECRET}".encode()).decode(),
    "hexadecimal": SECRET.encode().hex(),
}
LOOKS_LIKE_ONE = {
    "Authorization: Basic dXNlcjpwYXNzd29yZA==": "Authorization: Basic [hidden]",
    "{'Authorization': 'Bearer abc.def-ghi'}": "{'Authorization': 'Bearer [hidden]'}",
    '{"x-api-key": "abcdefgh-1234"}': '{"x-api-key": "[hidden]"}',
    "Cookie: sessionid=abc; csrftoken=def\nnext": "Cookie: [hidden]\nnext",
    "sessionid=abcdefgh12345678 is mine": "sessionid=[hidden] is mine",
    "GET https://x.example/?api_key=abcdefghij&x=1 HTTP": "GET https://x.example/?api_key=[hidden]&x=1 HTTP",
    "Server=db;User=sa;Password=hunter2;X=1": "Server=db;User=sa;Password=[hidden];X=1",
    "Password=hunter2;Server=db": "Password=[hidden];Server=db",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def!": "[hidden]!",
    f"before\n{PEM}\nafter": "before\n[hidden]\nafter",
    "postgres://ada:p@ss:word@db/site": "postgres://[hidden]@db/site",
    "redis://:pa55word@cache:6379/0": "redis://[hidden]@cache:6379/0",
    "use sk-abcdefgh12345678, please": "use [hidden], please",
    "Not Found: /hooks/agh_V7m7yQLt01EHF3k_cxvblYHeToG": "Not Found: /hooks/[hidden]",
    "Gone: /decide/WzEsIjBhIl0:1vPzZk:abcDEF-_123456/?x=1": "Gone: /decide/[hidden]/?x=1",
    "https://a.example/decide/.eJwz%3A1vPzZk%3Aabc/": "https://a.example/decide/[hidden]/",
    "at /settings/notifications/slack/link/WyJhIl0:1vPz:abc/": "at /settings/notifications/slack/link/[hidden]/",
    "GET /accounts/first/MxvWL2wI9w-T3GjPhcEDMpnn/": "GET /accounts/first/[hidden]/",
    "a ghp_abcdefghijkl and a github_pat_11ABCDEFG": "a [hidden] and a [hidden]",
}
ORDINARY = [
    "A basic understanding of tokens, cookies and passwords: the password is asked for at the door.",
    "def sign_in(password=getpass(), token=token): return api_key == os.environ['KEY']",
    "See https://docs.example.org/a?page=2&sort=name, or mail ada@example.org.",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "risk-averse desk-bound asks-for ask_for_more task-sk",
    "Ask at /decide/ or /decide/later, at hooks/agh_short, or /accounts/first/.",
    "Cookies: two cups of flour. Cookie: chocolate.",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_hidden_in_whatever_form_it_comes(form):
    told = Redactor({SECRET}).text(f"It is {FORMS[form]}.")

    assert "[hidden]" in told
    # Base64 mixes its ends with the neighbouring bytes, and JSON in JSON has names of its own around it.
    assert len(told) < len("It is [hidden].") + 20


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_hidden_in_whatever_form_it_comes_letter_by_letter(form):
    redactor, text = Redactor({SECRET}), f"It is {FORMS[form]}."
    pieces = PieceRedactor(redactor)

    assert "".join(pieces.next("a", letter) for letter in text) == redactor.text(text)


@pytest.mark.parametrize("text", LOOKS_LIKE_ONE)
@pytest.mark.parametrize("length", [1, 3, 7])
def test_what_looks_like_a_secret_is_hidden_whole_and_in_pieces(text, length):
    pieces = PieceRedactor(Redactor())
    cut = [f"{text}\n"[at : at + length] for at in range(0, len(text) + 1, length)]

    assert redacted(text) == LOOKS_LIKE_ONE[text]
    assert "".join(pieces.next("a", piece) for piece in cut) == f"{LOOKS_LIKE_ONE[text]}\n"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_words_are_left_as_they_are(text):
    pieces = PieceRedactor(Redactor())

    assert redacted(text) == text
    assert "".join(pieces.next("a", letter) for letter in f"{text}\n") == f"{text}\n"


def test_a_long_token_that_comes_in_pieces_is_hidden_to_its_end():
    pieces = PieceRedactor(Redactor())
    text = f"It is eyJ{'a' * 50_000}.{'b' * 50_000}.{'c' * 50_000} indeed.\n"

    shown = "".join(pieces.next("a", text[at : at + 100]) for at in range(0, len(text), 100))

    assert shown == "It is [hidden] indeed.\n"


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_secret_that_overlaps_itself_for_long_is_hidden_in_pieces(size):
    pieces = PieceRedactor(Redactor({"a" * 16}))
    text = "a" * 100_000

    shown = [pieces.next("x", text[at : at + size]) for at in range(0, len(text), size)]
    end = pieces.next("x", ". The end. ")

    assert set("".join(shown).split("[hidden]")) == {""}
    assert len("".join(shown)) >= len("[hidden]")
    assert end.endswith(". The end. ") and "a" * 8 not in end


def test_secrets_are_found_whatever_their_name_and_whatever_they_begin_with(tmp_path):
    key = tmp_path / "key"
    key.touch()
    endpoint = [{"name": "local", "kind": "openai", "base_url": "http://ada:in-an-address@h/v1", "key_env": "GRANITE"}]
    environ = {
        "AGENTSITE_ENDPOINTS": json.dumps(endpoint),
        "GRANITE": "/begins/like/a/path",
        "PGPASSWORD": "1234567890",
        "SMTP_PASS": "~tilde-secret",
        "DB_PWD": "./dotted-secret",
        "SENTRY_DSN": "https://abcdef@sentry.example/1",
        "ODBC": "Server=db;User=sa;Password=in-a-connection-string;",
        "REDIS": "redis://:p%40ss-in-redis@h:6379/0",
        "TLS_KEY": PEM,
        "ESCAPED_KEY": PEM.replace("\n", "\\n").replace("MII", "NII"),
        "SIGNING_KEY": str(key),
        "SSH_AUTH_SOCK": "/run/agent.socket.1",
        "API_TOKEN_TTL": "10000000",
        "PWD": "/a/folder/that/is/none",
    }

    assert secrets_in(environ) == {
        *("/begins/like/a/path", "in-an-address", "1234567890", "~tilde-secret", "./dotted-secret"),
        *("https://abcdef@sentry.example/1", "in-a-connection-string", "p%40ss-in-redis", "p@ss-in-redis"),
        *("MIIEvQIBADANBgkqhkiG9w0B", "AQEFAASCBKcwggSjAgEAAoIB", "NIIEvQIBADANBgkqhkiG9w0B"),
    }


def test_a_secret_that_is_too_short_to_be_hidden_is_named():
    environ = {"MY_PASSWORD": "test", "OPENAI_API_KEY": "long enough", "X_TOKEN": "", "TLS_KEY": PEM}

    assert short_secrets_in(environ) == ["MY_PASSWORD"]


@pytest.mark.parametrize(
    "text",
    [
        *("://" * 60_000, "://a:" + "b" * 200_000, "eyJ-" * 50_000, "eyJaaaaaaaa." * 16_000, "password=" * 22_000),
        *("host=a password=" * 12_000, "cookie: " * 25_000, "authorization: " * 13_000, "sk-" * 66_000, "=&" * 99_000),
        *("-----BEGIN PRIVATE KEY" * 9_000, "basic " + "A" * 200_000, "user=a" + " " * 200_000, "pwd=" * 50_000),
        *("/decide/" * 25_000, "/decide/" + "a" * 200_000, "/slack/link/" * 16_000),
        *("SG.aaaaaaaaaaaaaaaa" * 10_000, "\u0130" * 200_000, "[hidden]" * 25_000, "abcdefgh1234567" * 13_000),
    ],
)
def test_hiding_takes_time_in_proportion_to_the_text(text):
    began = time.process_time()

    Redactor({SECRET, "abcdefgh12345678"}).text(text)

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "line",
    [
        "the key is sk-abcdefgh12345678 and no more",
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "Cookie: sessionid=abcdefghijklmnop1234; theme=dark",
        "host=db user=ada password='two words' dbname=x",
        "postgres://ada:geheimnis@db/x?sslmode=require&token=abcdefgh",
        "x = y = 1",
    ],
)
def test_a_line_of_a_long_text_is_hidden_as_it_is_alone(line):
    others = ["an ordinary line, with a = b"] * 200

    hidden = redacted("\n".join([*others, line, *others, line]))

    assert hidden.split("\n") == [*others, redacted(line), *others, redacted(line)]


def test_a_short_text_is_hidden_each_time_among_any_number_of_others():
    redactor = Redactor({SECRET})
    texts = ["calculator", f"of {SECRET}", "use sk-abcdefgh12345678, please"]
    names = [f"tool {number}" for number in range(2 * MOST_NAMES)]

    rounds = [[redactor.text(text) for text in (*texts, *names, *texts)] for _ in range(2)]

    hidden = ["calculator", "of [hidden]", "use [hidden], please"]
    assert rounds == [[*hidden, *names, *hidden]] * 2
