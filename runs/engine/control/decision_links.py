"""Decision links: a signed address by which one person decides about one call without a sign-in, such as in a mail.

The token names the person, the run, the call, and what is asked: the hash of its arguments, or its question. It is good
for as long as the person may decide about the call and has the password they had. It decides nothing that the person
could not decide on the run's page, by the same functions.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing

from runs.models import Question, ToolCall
from runs.models.permissions import may_decide, may_see

SALT: Final = "agentsite.decision-links"
MAX_TOKEN_CHARS: Final = 600
"""A longer text is no token: it is not looked at."""


class LinkRefused(ValueError):
    """The link decides nothing. `code`: `unknown` (forged, cut), `expired`, or `revoked`: the person is inactive, may
    not decide any more or has another password, the call is gone or asks for something else."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class DecisionLink:
    """What a good token stands for. The call may be decided meanwhile."""

    user: User
    call: ToolCall
    question: Question | None
    """What it asks, if the link was made for a question."""


def sign(user: User, run_id: UUID, call_id: UUID) -> str:
    """The token by which `user` decides about the call, as it asks now: by its arguments or by its open question.

    Raises `ToolCall.DoesNotExist`. Whether the user may decide is asked when the link is used.
    """
    call = ToolCall.objects.only("arguments_hash", "state").get(pk=call_id, run=run_id)
    return signing.dumps([user.pk, run_id.hex, call_id.hex, _asked(call), _fingerprint(user)], salt=SALT)


def path_of(token: str) -> str:
    """The path of the page of a token."""
    return f"/decide/{token}/"


def opened(token: str) -> DecisionLink:
    """What the token stands for. Raises `LinkRefused`."""
    user_id, run_id, call_id, asked, fingerprint = _read(token)
    user = User.objects.filter(pk=user_id, is_active=True).first()
    call = ToolCall.objects.select_related("run", "run__agent", "run__user", "decided_by").filter(pk=call_id).first()
    if user is None or call is None or call.run_id != UUID(hex=run_id):
        raise LinkRefused("revoked")
    if not hmac.compare_digest(fingerprint, _fingerprint(user)):
        raise LinkRefused("revoked")
    if not may_see(user, call.run) or not may_decide(user, call.run):
        raise LinkRefused("revoked")
    if asked.startswith("question:"):
        question = call.questions.select_related("answered_by").filter(pk=UUID(asked.partition(":")[2])).first()
        if question is None:
            raise LinkRefused("revoked")
        return DecisionLink(user, call, question)
    # A person may have changed the arguments with which it was approved: what was asked were the model's.
    if asked != call.arguments_hash and call.decided_at is None:
        raise LinkRefused("revoked")
    return DecisionLink(user, call, None)


def lifetime() -> timedelta:
    """How long a link is good."""
    return timedelta(hours=settings.AGENTSITE_DECISION_LINK_HOURS)


def _read(token: str) -> tuple[int, str, str, str, str]:
    if len(token) > MAX_TOKEN_CHARS:
        raise LinkRefused("unknown")
    try:
        user_id, run_id, call_id, asked, fingerprint = signing.loads(token, salt=SALT, max_age=lifetime())
    except signing.SignatureExpired:
        raise LinkRefused("expired") from None
    except (signing.BadSignature, ValueError):
        raise LinkRefused("unknown") from None
    return user_id, run_id, call_id, asked, fingerprint


def _asked(call: ToolCall) -> str:
    if call.state == ToolCall.State.AWAITING_ANSWER:
        question = call.questions.filter(state=Question.State.OPEN).values_list("pk", flat=True).first()
        if question is not None:
            return f"question:{question}"
    return call.arguments_hash


def _fingerprint(user: User) -> str:
    """Changes with the person's password, which so ends their links."""
    return sha256(f"{SALT}:{user.get_session_auth_hash()}".encode()).hexdigest()[:16]
