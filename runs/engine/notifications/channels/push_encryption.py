"""Messages for web push: encrypted for one browser (RFC 8291), and signed by this site (VAPID, RFC 8292)."""

import base64
import hashlib
import json
import os
import time
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

RECORD_BYTES = 4096
MAX_PAYLOAD_BYTES = 3000
"""A push service takes 4096 bytes, of which encryption needs a few."""
SIGNED_FOR_S = 12 * 3600
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


def encrypted(
    payload: bytes,
    *,
    p256dh: bytes,
    auth: bytes,
    salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of the request, as `aes128gcm`. `salt` and `sender` are random unless a test gives them.

    Raises `ValueError` for keys of a browser that are none, and for a long payload.
    """
    if len(payload) > MAX_PAYLOAD_BYTES or len(auth) != 16:
        raise ValueError("The payload is too long, or the secret is none.")
    browser = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    own = _point_of(sender.public_key())
    shared = sender.exchange(ec.ECDH(), browser)
    material = _derived(shared, auth, b"WebPush: info\0" + _point_of(browser) + own, 32)
    key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(own)]) + own
    # The byte 2 ends the last record.
    return head + AESGCM(key).encrypt(nonce, payload + b"\x02", None)


def site_key() -> ec.EllipticCurvePrivateKey:
    """The key by which push services know this site: made of its secret key, so that all processes have the same."""
    seed = hashlib.sha512(b"agentsite: web push\0" + settings.SECRET_KEY.encode()).digest()
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def public_site_key() -> str:
    """What a browser is told when it subscribes."""
    return base64url(_point_of(site_key().public_key()))


def vapid_header(endpoint: str) -> str:
    """The value of `Authorization` for a request to the endpoint."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + SIGNED_FOR_S,
        "sub": settings.AGENTSITE_URL or f"mailto:{settings.SERVER_EMAIL}",
    }
    signed = ".".join(base64url(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(site_key().sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={public_site_key()}"


def base64url(data: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """With or without padding. Raises `ValueError`."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)
