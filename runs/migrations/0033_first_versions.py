"""The first version of each agent that was saved before there were versions."""

from decimal import Decimal
from typing import Any

from django.db import migrations

# As the code of this migration's time had them: key and column.
KEYS = [
    ("name", "name"),
    ("description", "description"),
    ("instructions", "instructions"),
    ("models", "model_names"),
    ("strategy", "strategy"),
    ("tools", "tools"),
    ("libraries", "libraries"),
    ("skills", "skills"),
    ("agents", "agents"),
    ("tool_approvals", "tool_approvals"),
    ("max_turns", "max_turns"),
    ("max_calls", "max_calls"),
    ("max_repeats", "max_repeats"),
    ("max_child_runs", "max_child_runs"),
    ("max_seconds", "max_duration_s"),
    ("max_tokens", "max_tokens"),
    ("max_cost_usd", "max_cost_usd"),
    ("context_tokens", "context_tokens"),
    ("first_token_timeout_s", "first_token_timeout_s"),
    ("idle_timeout_s", "idle_timeout_s"),
    ("model_timeout_s", "model_timeout_s"),
    ("tool_timeout_s", "tool_timeout_s"),
    ("reasoning_effort", "reasoning_effort"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("max_output_tokens", "max_output_tokens"),
    ("extra", "extra_settings"),
    ("max_attempts", "max_attempts"),
    ("output_schema", "output_schema"),
    ("approval", "approval"),
    ("approval_seconds", "approval_seconds"),
    ("on_approval_expiry", "on_approval_expiry"),
    ("launch_may_raise", "launch_may_raise"),
    ("priority", "priority"),
    ("max_runs_at_once", "max_runs_at_once"),
]


def add_first_versions(apps: Any, _schema_editor: Any) -> None:
    agents, versions = apps.get_model("runs", "Agent"), apps.get_model("runs", "AgentVersion")
    for agent in agents.objects.filter(version=None):
        config = {key: _as_json(getattr(agent, column)) for key, column in KEYS}
        kept = {key: value for key, value in config.items() if value not in (None, "", {}, []) or _is_no_tools(key, value)}
        versions.objects.create(agent=agent, number=1, config=kept)
        agents.objects.filter(pk=agent.pk).update(version=1)


def _as_json(value: Any) -> Any:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def _is_no_tools(key: str, value: Any) -> bool:
    return key == "tools" and value == []


class Migration(migrations.Migration):
    dependencies = [("runs", "0032_agent_versions")]

    operations = [migrations.RunPython(add_first_versions, migrations.RunPython.noop)]
