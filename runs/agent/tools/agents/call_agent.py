"""The tool with which a model calls other agents. It is made for each run: its schema names the agents of the run."""

from collections.abc import Sequence
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.call_idempotency import idempotency_key
from runs.agent.tools.child_runs import CALL_AGENT, MAX_TASK_CHARS, AgentInfo, current_children
from runs.agent.tools.protocol import Effect
from runs.agent.tools.validation import schema_validator

_TOLD: Final = (
    "Give a task to another agent, wait until it is done, and return its answer. The agent sees nothing of this "
    "conversation: say in the task all that it needs to know. Calls of one reply run at the same time. The agents:"
)


class CallAgent:
    """Launches a child run of one of the agents, and returns its answer."""

    name = CALL_AGENT
    effect: Effect = "idempotent"  # The id of the call is the key: a repeated call finds its child.
    runs_from_record = True  # A child run has no secrets in its task either.

    def __init__(self, agents: Sequence[AgentInfo]) -> None:
        lines = [f"- {each.name}: {' '.join(each.description.split())}".removesuffix(": ") for each in agents]
        self.description = "\n".join([_TOLD, *lines])
        self._schema: JsonObject = {
            "type": "object",
            "properties": {
                "agent": {"type": "string", "enum": [each.name for each in agents], "description": "Its name."},
                "task": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_TASK_CHARS,
                    "description": "What it shall do, with everything that it needs to know.",
                },
            },
            "required": ["agent", "task"],
        }
        self.validate_arguments = schema_validator(self._schema, name=self.name)

    async def execute(self, agent: str, task: str) -> Any:
        """The answer of the child run. Raises `ChildAwaited` and `ToolFailed`."""
        return await current_children().answer_of(agent, task, call_id=idempotency_key())

    def get_schema(self) -> JsonObject:
        """The JSON Schema of the arguments."""
        return self._schema
