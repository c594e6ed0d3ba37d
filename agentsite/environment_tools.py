"""The settings of tools that the environment names. The agent core reads the same variables; here they are checked at
the start."""

from agentsite.environment import env_text, refuse
from runs.agent.tools.web.host_rules import parse_hosts


def env_hosts(name: str) -> list[tuple[str, int | None]]:
    """Comma-separated hosts, each with a port or None: `wiki.internal, 10.0.0.5:9000`."""
    try:
        return parse_hosts(env_text(name).split(","))
    except ValueError as error:
        refuse(name, env_text(name), str(error))
