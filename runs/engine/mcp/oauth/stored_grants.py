"""The rows of sign-ins: read, stored, renewed by one process at a time."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from runs.engine.mcp.oauth.clients import OAuthClient
from runs.engine.mcp.oauth.grants import Grant, scopes_together
from runs.engine.sealed_text import SealUnreadable
from runs.models import ServerSignIn

RENEWS_WITHIN_S: Final = 30.0
"""How long one process may take to renew a token before another one tries."""


def sign_in_of(source_id: int, user_id: int | None) -> ServerSignIn | None:
    """The sign-in for the calls of this person, or of all runs for None; None without one that holds."""
    rows = ServerSignIn.objects.filter(source=source_id, is_over=False)
    return (rows.filter(user=None) if user_id is None else rows.filter(user=user_id)).first()


def grant_of(row: ServerSignIn) -> Grant | None:
    """What was granted; None if it was stored with another secret key of the site."""
    try:
        return Grant.unsealed(row.sealed)
    except SealUnreadable:
        return None


@transaction.atomic
def store_grant(source_id: int, user_id: int | None, grant: Grant, *, by: Any) -> None:
    """Store what a person's sign-in has brought."""
    now = timezone.now()
    values = {"sealed": grant.sealed(), "expires_at": _end(grant), "is_over": False, "renewing_until": None}
    values |= {"signed_in_by": by, "signed_in_at": now}
    user = None if user_id is None else by
    ServerSignIn.objects.update_or_create(source_id=source_id, user=user, defaults=values)


def keep_grant(row: ServerSignIn, grant: Grant) -> None:
    """Keep the grant in the row, unless another one was stored since it was read."""
    ServerSignIn.objects.filter(pk=row.pk, sealed=row.sealed).update(sealed=grant.sealed())


def wanted_scope(source_id: int, user_id: int | None) -> str:
    """What the next sign-in of this person, or for all runs, asks for besides what the server names: what was granted
    and what was wanted then. Empty unless the server refused a call for its scope."""
    rows = ServerSignIn.objects.filter(source=source_id, user=user_id)
    grants = [grant for grant in grants_in(rows) if grant.wanted_scope]
    return scopes_together(*(f"{grant.scope} {grant.wanted_scope}" for grant in grants))


def begin_renewal(row: ServerSignIn) -> bool:
    """True if this process is to renew the token of the row, as it was read."""
    until = Now() + dt.timedelta(seconds=RENEWS_WITHIN_S)
    free = Q(renewing_until=None) | Q(renewing_until__lt=Now())
    same = ServerSignIn.objects.filter(free, pk=row.pk, sealed=row.sealed, is_over=False)
    return bool(same.update(renewing_until=until))


def end_renewal(row: ServerSignIn, grant: Grant | None) -> None:
    """Store the renewed grant; None keeps the one that there is."""
    values: dict[str, Any] = {"renewing_until": None}
    if grant is not None:
        values |= {"sealed": grant.sealed(), "expires_at": _end(grant)}
    ServerSignIn.objects.filter(pk=row.pk, sealed=row.sealed).update(**values)


def note_over(row: ServerSignIn) -> None:
    """The server wants another sign-in."""
    ServerSignIn.objects.filter(pk=row.pk, sealed=row.sealed).update(is_over=True, renewing_until=None)


def known_client(source_id: int, issuer: str, redirect_uri: str) -> OAuthClient | None:
    """The client that this site is registered as at the authorization server, if it is."""
    rows = ServerSignIn.objects.filter(source=source_id).order_by(F("signed_in_at").desc())[:20]
    found = (grant.client for grant in grants_in(rows) if grant.issuer == issuer)
    return next((client for client in found if client.redirect_uri == redirect_uri), None)


def grants_in(rows: Iterable[ServerSignIn]) -> list[Grant]:
    """What the rows hold, as far as it can be read."""
    return [grant for row in rows if (grant := grant_of(row)) is not None]


def _end(grant: Grant) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(grant.expires_at, dt.UTC) if grant.expires_at else None
