"""Fixtures: a web server for the APIs of the tests."""

from tests.agent.tools.web.conftest import site  # noqa: F401  taken in for all tests here
