"""A job that runs statements on closed databases without the check that they are one SELECT."""

import json

import duckdb

from runs.agent.tools.data.database import close_to_the_outside, connect


def run(request: bytes) -> bytes:
    """What each statement gives, or its error, as texts."""
    return json.dumps([_result(sql) for sql in json.loads(request)]).encode()


def _result(sql: str) -> str:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT range AS a, 'x' AS b FROM range(3)")
    close_to_the_outside(connection)
    try:
        connection.execute(sql)
        return repr(connection.fetchall()) if connection.description else ""
    except (duckdb.Error, RuntimeError) as error:
        return repr(error)
