"""Fixtures of stored tools."""

from tests.engine.stored_tools.stored_fixtures import make_shop, shop  # noqa: F401  taken in for all tests here
