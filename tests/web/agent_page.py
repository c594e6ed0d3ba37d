"""The fields that the admin's page of an agent sends."""

AGENT_FORM = {
    "model_names": '["offline"]',
    "strategy": "fallback",
    "tools": "null",
    "max_turns": "20",
    "max_repeats": "4",
    "max_child_runs": "20",
    "max_duration_s": "600",
    "max_attempts": "3",
    "approval": "unsafe",
    "tool_approvals": "",
    "on_approval_expiry": "deny",
    "priority": "0",
    "is_default": "on",
}
"""The fields of a new default agent, without its name."""
