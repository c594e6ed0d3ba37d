"""Opaque cursors of list pages."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from runs.agent.json_data.json_values import check_storable_text
from runs.api.errors import invalid

Place = tuple[datetime, UUID]

LONGEST_NAME_CURSOR: Final = 700
"""Characters of a `name_cursor` of a name of 80 characters, each six bytes in JSON."""


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


def name_cursor(name: str, row_id: int) -> str:
    """The cursor of the page after the row of this name, in a list by name."""
    text = json.dumps([name, row_id], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def name_place_of(cursor: str) -> tuple[str, int]:
    """The position in a cursor of a list by name. Raises `ApiError` 422 for an invalid one."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, row_id = json.loads(text)
        return check_storable_text(str(name)), min(max(int(row_id), 0), 2**63 - 1)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise invalid("cursor: Use the `next` of an earlier page, as it is.") from error
