"""The users and runs of the pages, and of the engine."""

from tests.engine.conftest import ada, assistant, host_for  # noqa: F401
from tests.web.conftest import (  # noqa: F401
    _no_link_is_left_over,
    agent,
    browser_of,
    make_run,
    other,
    owner,
    staff,
)
