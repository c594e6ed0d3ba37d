"""Transactions whose process was stopped in the middle, which keep rows locked that nobody else can take over.

`idle_in_transaction_session_timeout` does not end them all: PostgreSQL does not count the time after a pipeline, which
psycopg uses for many rows, until the client says something more.
"""

import logging

from django.db import connection

logger = logging.getLogger(__name__)

STALLED_AFTER_S = 10
_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
AND application_name = current_setting('application_name')
AND xact_start IS NOT NULL AND wait_event = 'ClientRead'
AND state_change < clock_timestamp() - %s * interval '1 second'
"""


def end_stalled_transactions() -> None:
    """End the transactions of Agentsite's own processes that have said nothing for a while. Postgres only."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [STALLED_AFTER_S])
        if ended := cursor.rowcount:
            logger.warning("%d transactions had stalled for %d s and were ended.", ended, STALLED_AFTER_S)
