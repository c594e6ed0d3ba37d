"""The form for the arguments of a waiting call."""

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.tools.toolbox import Toolbox
from runs.live.rendering.schema_form import SchemaForm
from runs.models import ToolCall


class ArgumentForm(SchemaForm):
    """The arguments of a call that waits for an approval."""

    def __init__(self, call: ToolCall, data: JsonMapping | None = None, *, has_focus: bool = False) -> None:
        """`call` with its run. `data` None shows the current arguments. `has_focus` sets autofocus on the first
        field."""
        self.call = call
        super().__init__(_schema_of(call), call.arguments, data, prefix=f"call-{call.pk}")
        if has_focus and self.fields:
            next(iter(self.fields.values())).widget.attrs["autofocus"] = True


def _schema_of(call: ToolCall) -> JsonObject:
    """The schema of the call's tool; empty if the run's tools no longer have it."""
    try:
        tools = Toolbox.of_registered(call.run.config.get("tools"))
        schema: JsonObject = tools.get(call.tool_name).get_schema()
    except (ToolFailed, ValueError):
        return {}
    return schema
