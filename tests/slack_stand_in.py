"""A stand-in for Slack: it takes what Slack's documentation allows, refuses the rest, and presses buttons."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode
from urllib.request import Request, urlopen

TOKEN = "xoxb-1-stand-in"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CHANNEL = "C0123456789"
SLACK_ID = "U2147483697"
FORM_ONLY = {"users.info"}
"""Methods that take no JSON."""


@dataclass(slots=True)
class Slack:
    """The messages that it holds, and the errors that it will answer with."""

    url: str
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By their `ts`, as they are now."""
    ephemeral: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    next_answers: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    """Status, headers and body of the next answers, before it works again."""
    scopes: set[str] = field(default_factory=lambda: {"chat:write"})
    """Of the bot."""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Accounts by their ids: the fields that differ from those of a person of the workspace, `email` among them."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, method: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and body of the answer to a method."""
        with self.changed:
            told = self.next_answers.pop(0) if self.next_answers else (200, {}, self._done(method, token, body))
            if not told[2].get("ok"):
                self.refused.append(str(told[2].get("error")))
            self.changed.notify_all()
        return told

    def wait_for(self, text: str, limit_s: float = 20) -> dict[str, Any]:
        """The first message that has the text now, as soon as there is one."""
        with self.changed:
            assert self.changed.wait_for(lambda: self._with(text) is not None, limit_s), (text, self.messages)
            found = self._with(text)
        assert found is not None
        return found

    def _with(self, text: str) -> dict[str, Any] | None:
        return next((each for each in self.messages.values() if text in json.dumps(each, ensure_ascii=False)), None)

    def _done(self, method: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        if token != TOKEN:
            return {"ok": False, "error": "invalid_auth"}
        if method == "users.info":
            return self._person(str(body.get("user")))
        if "chat:write" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": self._provided}
        if body.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if method == "chat.postEphemeral":
            if not body.get("user") or not body.get("text"):
                return {"ok": False, "error": "no_text"}
            self.ephemeral.append(body)
            return {"ok": True, "message_ts": "1.2"}
        if fault := fault_of(body):
            return {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [fault]}}
        if method == "chat.update":
            if body.get("ts") not in self.messages:
                return {"ok": False, "error": "message_not_found"}
            ts = str(body["ts"])
        else:
            ts = f"1503435956.{len(self.messages):06}"
        self.messages[ts] = body | {"ts": ts}
        return {"ok": True, "channel": CHANNEL, "ts": ts, "message": body}

    @property
    def _provided(self) -> str:
        return ",".join(sorted(self.scopes))

    def _person(self, slack_id: str) -> dict[str, Any]:
        """The answer of `users.info`, whose `email` takes a scope of its own."""
        if "users:read" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "users:read", "provided": self._provided}
        if slack_id not in self.people:
            return {"ok": False, "error": "user_not_found"}
        flags = {"deleted": False, "is_bot": False, "is_email_confirmed": True}
        about: dict[str, Any] = {"id": slack_id, "team_id": "T9TK3CUKW", **flags, **self.people[slack_id]}
        email = about.pop("email", None)
        profile: dict[str, Any] = {"real_name": "J. Torrance", "avatar_hash": "ge3b51ca72de"}
        if "users:read.email" in self.scopes:
            profile["email"] = email
        return {"ok": True, "user": about | {"profile": profile}}


def fault_of(body: dict[str, Any]) -> str:
    """What Slack would refuse in a message; empty for nothing."""
    blocks = body.get("blocks", [])
    if not body.get("text") or len(body["text"]) > 40_000 or "<!" in body["text"]:
        return "text"
    if not 1 <= len(blocks) <= 50:
        return "number of blocks"
    for block in blocks:
        match block["type"]:
            case "header":
                wrong = _text_fault(block["text"], 150, {"plain_text"})
            case "section":
                wrong = _text_fault(block["text"], 3000, {"plain_text", "mrkdwn"})
            case "context":
                texts = [_text_fault(each, 3000, {"plain_text", "mrkdwn"}) for each in block["elements"]]
                wrong = "elements" if not 1 <= len(texts) <= 10 else "".join(texts)
            case "actions":
                wrong = _actions_fault(block["elements"])
            case "rich_text":
                parts = [part for each in block["elements"] for part in each["elements"]]
                wrong = "" if parts and all(part["type"] == "text" and part["text"] for part in parts) else "rich text"
            case other:
                wrong = f"type {other}"
        if wrong:
            return f"{block['type']}: {wrong}"
    return ""


def _text_fault(text: dict[str, Any], most: int, types: set[str]) -> str:
    if text["type"] not in types or not 1 <= len(text["text"]) <= most:
        return "text"
    if text["type"] == "mrkdwn" and ("<!" in text["text"] or "emoji" in text):
        return "markup"
    return ""


def _actions_fault(elements: list[dict[str, Any]]) -> str:
    ids = [each["action_id"] for each in elements]
    if not 1 <= len(elements) <= 25 or len(set(ids)) != len(ids) or max(map(len, ids)) > 255:
        return "elements"
    for each in elements:
        if each["type"] != "button" or each.get("style", "primary") not in ("primary", "danger"):
            return "button"
        if _text_fault(each["text"], 75, {"plain_text"}) or len(each["value"]) > 2000:
            return "button's text or value"
    return ""


def buttons_of(message: dict[str, Any]) -> dict[str, str]:
    """The values of the buttons by their words; of several calls, those of the first."""
    elements = [
        each for block in reversed(message["blocks"]) if block["type"] == "actions" for each in block["elements"]
    ]
    return {each["text"]["text"]: each["value"] for each in elements}


def interaction(value: str, *, ts: str = "1.1", slack_id: str = SLACK_ID, action: str = "agentsite_approve") -> bytes:
    """The body that Slack sends for a press of a button."""
    payload = {
        "type": "block_actions",
        "team": {"id": "T9TK3CUKW", "domain": "example"},
        "user": {"id": slack_id, "username": "jtorrance", "team_id": "T9TK3CUKW"},
        "api_app_id": "AABA1ABCD",
        "container": {"type": "message", "message_ts": ts, "channel_id": CHANNEL, "is_ephemeral": False},
        "trigger_id": "12466734323.1395872398",
        "channel": {"id": CHANNEL, "name": "review-updates"},
        "response_url": "https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209",
        "actions": [{"type": "button", "action_id": action, "block_id": "x", "value": value, "action_ts": "1.3"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of a request of Slack."""
    timestamp = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": "v0=" + mac.hexdigest()}


def press(url: str, body: bytes) -> int:
    """Send an interaction to the address, and return the status of the answer."""
    headers = signed(body) | {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        with urlopen(Request(url, body, headers, method="POST"), timeout=30) as answer:  # noqa: S310  our own site
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


@contextmanager
def running_slack() -> Iterator[Slack]:
    """A Slack on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            told: tuple[int, dict[str, str], dict[str, Any]]
            method, token = self.path.removeprefix("/api/"), self.headers.get("Authorization", "")
            kind, is_form = self.headers.get_content_type(), method in FORM_ONLY
            if kind != ("application/x-www-form-urlencoded" if is_form else "application/json"):
                told = (200, {}, {"ok": False, "error": "invalid_post_type"})
            else:
                sent = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw)
                told = slack.answer(method, token.removeprefix("Bearer "), sent)
            status, headers, body = told
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack = Slack(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
