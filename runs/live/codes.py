"""Why a socket was closed. All are sent after accept: a code sent earlier reaches the browser as HTTP 403."""

from typing import Final

ENDED: Final = 1000
"""The run has ended and everything was sent."""
BAD_FRAME: Final = 4400
SIGNED_OUT: Final = 4401
NO_SUCH_RUN: Final = 4404
"""There is no such run, or it is not yours."""
TOO_SLOW: Final = 4408
"""Too much was unacknowledged for too long."""
TOO_MANY: Final = 4429
"""Too many sockets, or too many frames."""
RESTARTING: Final = 4012
"""The server is leaving, or its database is; come back in a moment."""
