"""Close codes of sockets. All are sent after accept: a code sent earlier reaches the browser as HTTP 403."""

from typing import Final

ENDED: Final = 1000
"""The run has ended and everything was sent."""
BAD_FRAME: Final = 4400
SIGNED_OUT: Final = 4401
NO_SUCH_RUN: Final = 4404
"""The run does not exist, or the user may not see it."""
TOO_SLOW: Final = 4408
"""Too much data was unacknowledged for too long."""
TOO_MANY: Final = 4429
"""The user has too many open sockets."""
TOO_FAST: Final = 4430
"""Too many frames, or resyncs, in a short time; reconnect after a pause."""
RESTARTING: Final = 4012
"""The server is stopping, or its database is unreachable; reconnect in a moment."""

BY_NAME: Final = {
    "ended": ENDED,
    "signedOut": SIGNED_OUT,
    "noSuchRun": NO_SUCH_RUN,
    "tooSlow": TOO_SLOW,
    "tooMany": TOO_MANY,
    "tooFast": TOO_FAST,
    "restarting": RESTARTING,
}
"""The codes that pages handle, by the names in their scripts."""
