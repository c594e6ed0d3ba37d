"""The addresses of the sockets, for the router and for pages."""

from uuid import UUID

RUN_ROUTE = "ws/runs/<uuid:run_id>/"
DASHBOARD_ROUTE = "ws/dashboard/"


def run_socket(run_id: UUID) -> str:
    """The socket address of one run."""
    return f"/{RUN_ROUTE.replace('<uuid:run_id>', str(run_id))}"


def dashboard_socket() -> str:
    """The socket address of the dashboard: every run its user sees."""
    return f"/{DASHBOARD_ROUTE}"
