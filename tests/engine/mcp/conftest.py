"""Fixtures of MCP servers."""

from tests.engine.mcp.mcp_fixtures import http_server, mcp_site  # noqa: F401  taken in for all tests here
from tests.engine.mcp.oauth_fixtures import oauth, running_oauth  # noqa: F401
