"""A push service and a browser: takes messages as RFC 8030 and 8292 say, and decrypts them as RFC 8291 says."""

import base64
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """The keys of one device."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = os.urandom(16)

    def decrypted(self, body: bytes) -> dict[str, Any]:
        """The JSON in a body."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + self.public + sender
        material = HKDF(hashes.SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(material)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(material)
        text, _, rest = AESGCM(key).decrypt(nonce, record, None).rpartition(b"\x02")
        assert rest.strip(b"\0") == b""
        found: dict[str, Any] = json.loads(text)
        return found


def subscription_elsewhere() -> dict[str, Any]:
    """What a browser gives whose push service is one of the known: nothing is sent to it."""
    browser = Browser()
    keys = {"p256dh": b64(browser.public), "auth": b64(browser.auth)}
    return {"endpoint": "https://updates.push.services.mozilla.com/wpush/v2/example", "keys": keys}


@dataclass(slots=True)
class PushService:
    """What it was sent, and with which status it answers next."""

    url: str
    browser: Browser = field(default_factory=Browser)
    received: list[dict[str, Any]] = field(default_factory=list)
    """Headers and decrypted message of each."""
    faults: list[str] = field(default_factory=list)
    next_statuses: list[int] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def endpoint(self) -> str:
        """Of the browser's device."""
        return f"{self.url}/push/device"

    def subscription(self) -> dict[str, str]:
        """What the browser gives to a site."""
        return {"endpoint": self.endpoint, "p256dh": b64(self.browser.public), "auth": b64(self.browser.auth)}

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer to a message."""
        with self.arrived:
            fault = self._fault_of(headers, body)
            status = self.next_statuses.pop(0) if self.next_statuses else (400 if fault else 201)
            if fault:
                self.faults.append(fault)
            else:
                self.received.append({"headers": headers, "told": self.browser.decrypted(body), "status": status})
            self.arrived.notify_all()
        return status

    def wait_for_one(self, limit_s: float = 20) -> dict[str, Any]:
        """The first message, as soon as it is there."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: bool(self.received), limit_s), self.faults
            return self.received[0]

    def _fault_of(self, headers: dict[str, str], body: bytes) -> str:
        if headers.get("content-encoding") != "aes128gcm" or len(body) > 4096:
            return "body"
        if not headers.get("ttl", "").isdigit() or headers.get("urgency") not in ("very-low", "low", "normal", "high"):
            return "ttl or urgency"
        if len(headers.get("topic", "")) > 32:
            return "topic"
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        parts = dict(each.strip().split("=", 1) for each in rest.split(","))
        head, claims, signature = parts["t"].split(".")
        raw = unb64(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        told = json.loads(unb64(claims))
        is_good = told["aud"] == self.url and time.time() < told["exp"] <= time.time() + 24 * 3600
        return "" if scheme == "vapid" and is_good and told["sub"].startswith(("mailto:", "https:")) else "token"


@contextmanager
def running_push_service() -> Iterator[PushService]:
    """A push service on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = service.take({name.lower(): text for name, text in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = PushService(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
