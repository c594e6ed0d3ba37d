"""The secret key: from the environment or a file of the data folder; guessable keys are refused."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from agentsite.environment import env_text, refuse

MIN_CHARS: Final = 32
"""In hexadecimal, 128 bits: the weakest key that is accepted."""
MIN_DIFFERENT: Final = 8
"""32 random hexadecimal digits have fewer different ones once in about ten million times."""
PLACEHOLDERS: Final = (
    "insecure",
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "secret",
    "password",
    "placeholder",
    "example",
    "yourkey",
    "default",
    "lorem",
)
"""Words in example keys (`django-insecure-…`). A random key contains one of them once in a million times."""
HOW_TO_MAKE: Final = """`python3 -c "import secrets; print(secrets.token_urlsafe(50))"` makes one."""


def env_secret_key(name: str, file: Path) -> str:
    """The key in the variable, else the one in `file`. A guessable key is refused, and not repeated."""
    if text := env_text(name):
        if fault := fault_of(text):
            refuse(name, "…", f"{fault}. {HOW_TO_MAKE}")
        return text
    secret = secret_in(file)
    if fault := fault_of(secret):
        raise ImproperlyConfigured(
            f"{file}: the key in it is no secret: {fault}. Delete it, and the next start makes one."
        )
    return secret


def secret_in(file: Path) -> str:
    """The secret key in `file`, which the first process creates. All processes get the same key."""
    try:
        if not file.exists():
            _make_secret(file)
        secret = file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{file}: cannot keep the secret key there ({error.strerror}).") from error
    if not secret:
        raise ImproperlyConfigured(f"{file} is empty. Delete it, and the next start makes a new secret key.")
    return secret


def _make_secret(file: Path) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(get_random_secret_key())
            stream.flush()
            os.fsync(stream.fileno())
        # A link, unlike a rename, never replaces the file of another process that was faster.
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def fault_of(key: str) -> str | None:
    """Why a key could be guessed; None if it looks random."""
    if len(key) < MIN_CHARS:
        return f"it has {len(key)} characters, expected at least {MIN_CHARS}"
    if len(set(key)) < MIN_DIFFERENT:
        return f"it has only {len(set(key))} different characters, expected at least {MIN_DIFFERENT}"
    letters = "".join(filter(str.isalnum, key.lower()))
    if any(word in letters for word in PLACEHOLDERS):
        return "it is a placeholder, or made of one"
    if _repeats(key) or _counts_up(key):
        return "it is a pattern, expected random characters"
    return None


def _repeats(key: str) -> bool:
    return any(key[period:] == key[:-period] for period in range(1, len(key) // 2 + 1))


def _counts_up(key: str) -> bool:
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    return max(steps.count(step) for step in (-1, 0, 1)) > len(steps) // 2
