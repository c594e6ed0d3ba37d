"""Signed-in people of a site on SQLite, created without a subprocess."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from secrets import token_hex

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import signing
from django.utils.crypto import salted_hmac

_BACKEND = "django.contrib.auth.backends.ModelBackend"
_USER = "django.contrib.auth.models.AbstractBaseUser"
_FORMAT = "%Y-%m-%d %H:%M:%S.%f"


def sign_in_new(data: Path, username: str, password: str, *, staff: bool, superuser: bool) -> str:
    """Add a person to the site with this data folder. Returns the `sessionid` of a session of the person.

    `staff`: a member of the group Operators, who may act on everybody's runs. Who had the name gets another one: tests
    that share a site each have a person who sees nothing of those before.
    """
    now = datetime.now(UTC)
    hashed = _hashed(password)
    with closing(sqlite3.connect(data / "agentsite.sqlite3", timeout=20, isolation_level=None)) as database:
        database.execute("UPDATE auth_user SET username = username || '-' || id WHERE username = ?", (username,))
        pk = database.execute(
            "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name,"
            " email, date_joined) VALUES (?, ?, ?, ?, 1, '', '', '', ?)",
            (username, hashed, superuser, staff, now.strftime(_FORMAT)),
        ).lastrowid
        if staff:
            database.execute(
                "INSERT INTO auth_user_groups (user_id, group_id)"
                " SELECT ?, id FROM auth_group WHERE name = 'Operators'",
                (pk,),
            )
        session = token_hex(16)
        database.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?, ?, ?)",
            (session, _signed(data, str(pk), hashed), (now + timedelta(days=1)).strftime(_FORMAT)),
        )
    return session


def _signed(data: Path, pk: str, hashed: str) -> str:
    """The session's data, signed with the site's key, as Django's `SessionStore` and `User` do."""
    key = (data / "secret_key").read_text().strip()
    auth_hash = salted_hmac(f"{_USER}.get_session_auth_hash", hashed, secret=key, algorithm="sha256").hexdigest()
    content = {SESSION_KEY: pk, BACKEND_SESSION_KEY: _BACKEND, HASH_SESSION_KEY: auth_hash}
    signer = signing.TimestampSigner(key=key, salt="django.contrib.sessions.SessionStore", fallback_keys=[])
    return signer.sign_object(content, compress=True)


@cache
def _hashed(password: str) -> str:
    hasher = Argon2PasswordHasher()
    return hasher.encode(password, hasher.salt())
