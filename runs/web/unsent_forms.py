"""Unsent forms: texts sent after a session had ended, carried through the sign-in page.

They travel in that page's form, signed: this works without JavaScript, appears in no address and no log, and takes no
room on the server.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from django.core import signing
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.request import UnreadablePostError

TEXTS: Final = ("task", "message", "text", "reason", "extra", "instructions")
PREFIXES: Final = ("reason-", "call-")
"""Fields with typed text, by name or prefix."""
NEVER: Final = ("csrfmiddlewaretoken", "password", "password1", "password2", "old_password", "kept")
SALT: Final = "runs.web.unsent_forms"
MAX_AGE_S: Final = 12 * 3600
MAX_CHARS: Final = 700_000
"""Maximum of the signed text, which has to fit into a form."""


@dataclass(frozen=True, slots=True)
class UnsentForm:
    """A form that was sent without a valid session."""

    path: str
    fields: list[tuple[str, str]]

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        """The fields of the request; None if they hold no typed text, or cannot be read."""
        try:
            sent = [(name, value) for name, values in request.POST.lists() for value in values if name not in NEVER]
        except (SuspiciousOperation, UnreadablePostError):
            return None
        kept = cls(request.get_full_path(), sent)
        return kept if any(kept.texts()) else None

    @classmethod
    def signed_in(cls, text: str) -> Self | None:
        """The form that `sign` signed; None if the signature is invalid or too old."""
        try:
            path, fields = signing.loads(text, salt=SALT, max_age=MAX_AGE_S)
        except (signing.BadSignature, ValueError):
            return None
        return cls(path, [(name, value) for name, value in fields])

    def sign(self) -> str:
        """The form as a signed text for a hidden field; empty if that would be too long to send."""
        signed = signing.dumps([self.path, self.fields], salt=SALT, compress=True)
        return signed if len(signed) <= MAX_CHARS else ""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Names and values of typed texts."""
        return ((name, value) for name, value in self.fields if _is_text(name) and value.strip())

    def others(self) -> Iterator[tuple[str, str]]:
        """Names and values of the other fields."""
        return ((name, value) for name, value in self.fields if not (_is_text(name) and value.strip()))


def _is_text(name: str) -> bool:
    return name in TEXTS or name.startswith(PREFIXES)
