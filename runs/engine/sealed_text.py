"""Texts that only this site can read: encrypted with a key that is derived from its secret key."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class SealUnreadable(ValueError):
    """The text was sealed with another secret key, or is none."""


def seal(text: str) -> str:
    """The text encrypted, as hexadecimal digits: no pattern of a secret fits them, and so none of them is hidden."""
    token = _cipher().encrypt(text.encode("utf-8", "surrogatepass"))
    return base64.urlsafe_b64decode(token).hex()


def unseal(sealed: str) -> str:
    """The text that was sealed. Raises `SealUnreadable`."""
    try:
        token = base64.urlsafe_b64encode(bytes.fromhex(sealed))
        return _cipher().decrypt(token).decode("utf-8", "surrogatepass")
    except (InvalidToken, ValueError) as error:
        raise SealUnreadable("This was stored with another secret key of the site.") from error


def is_readable(sealed: str) -> bool:
    """True for a text that `unseal` returns."""
    try:
        unseal(sealed)
    except SealUnreadable:
        return False
    return True


def _cipher() -> Fernet:
    key = hashlib.sha256(b"agentsite: sealed texts\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
