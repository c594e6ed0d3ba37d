"""The users and runs of the pages."""

from tests.web.conftest import (  # noqa: F401  the same people, agents and runs as on the pages
    _no_language_is_left_over,
    _no_link_is_left_over,
    agent,
    browser_of,
    clerk,
    make_run,
    other,
    owner,
    staff,
)
