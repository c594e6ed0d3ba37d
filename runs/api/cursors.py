"""Opaque cursors of list pages."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

from runs.api.errors import invalid

Place = tuple[datetime, UUID]


def cursor_at(moment: datetime, row_id: UUID) -> str:
    """The cursor of the page after the row created at `moment`."""
    text = f"{moment.astimezone(UTC).isoformat()}_{row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """The position in a cursor. Raises `ApiError` 422 for an invalid one."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        moment_text, _, id_text = text.partition("_")
        # Our cursors are in UTC; one without a time zone is forged, and read as UTC too.
        return datetime.fromisoformat(moment_text).replace(tzinfo=UTC), UUID(id_text)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise invalid("cursor: Use the `next` of an earlier page, as it is.") from error
