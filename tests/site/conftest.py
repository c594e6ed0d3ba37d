"""Users and runs for the tests of pages."""

from tests.web.conftest import (  # noqa: F401
    _no_link_is_left_over,
    agent,
    browser_of,
    make_run,
    other,
    owner,
    staff,
)
