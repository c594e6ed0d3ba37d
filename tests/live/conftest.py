"""The users and runs of the pages, and sockets that show them."""

from tests.live.live_fixtures import hub, live_timings, watch  # noqa: F401
from tests.web.conftest import (  # noqa: F401  the same people, agents and runs as on the pages
    _no_link_is_left_over,
    agent,
    browser_of,
    make_run,
    other,
    owner,
    staff,
)
from tests.web.tree_fixtures import add_child  # noqa: F401  and of trees
from tests.web.waiting_fixtures import ask, send_name  # noqa: F401
