"""The admin: agents, the history of runs, people and tokens, to staff with the permissions for each.

Runs, steps and tool calls are read here and not edited: `runs.engine.control` changes runs.
"""

# The order of registration is that of the apps in the admin's URLs: accounts first.
from runs.admin import people

# isort: split
from runs.admin import (
    agent,
    agent_label,
    agent_version,
    alert_rule,
    api_token,
    notification,
    run,
    run_message,
    schedule,
    site,
    step,
    task_template,
    thread,
    tool_call,
    trigger,
    webhook,
)

__all__ = [
    "agent",
    "agent_label",
    "agent_version",
    "alert_rule",
    "api_token",
    "notification",
    "people",
    "run",
    "run_message",
    "schedule",
    "site",
    "step",
    "task_template",
    "thread",
    "tool_call",
    "trigger",
    "webhook",
]
