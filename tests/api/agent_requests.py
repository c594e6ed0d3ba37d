"""An agent as programs send it, and what they are told."""

from typing import Any

from tests.api.conftest import Program

CLERK: dict[str, Any] = {
    "name": "Clerk",
    "instructions": "You work in a shop.",
    "models": ["offline"],
    "tools": ["calculator"],
    "max_turns": 7,
    "max_cost_usd": "0.5",
    "tool_approvals": {"calculator": "always"},
}


def create_clerk(program: Program) -> int:
    """Make the clerk through the API, check what comes back, and return its id."""
    response = program.post("/agents", CLERK | {"message": "As agreed"})
    assert response.status_code == 201, response.content
    told = response.json()
    assert response["Location"] == f"/api/v1/agents/{told['id']}"
    assert told == {"id": told["id"], "name": "Clerk", "version": 1, "is_archived": False}
    return int(told["id"])


def fields_of(response: Any) -> dict[str, str]:
    """The faults of a refused request, by field."""
    assert response.status_code == 422, response.content
    fields: dict[str, str] = response.json()["error"]["fields"]
    return fields
