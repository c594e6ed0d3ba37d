"""The options of a request for the transport: settings, tools, output schema."""

from typing import cast

from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import ModelRequest
from runs.agent.providers.wire_format import WireFormat


def settings(wire_format: WireFormat, profile: ModelProfile, request: ModelRequest) -> ModelSettings:
    """The transport's settings for a request. Raises `ModelFailure` for a setting that the model refuses."""
    asked = request.settings
    if fault := wire_format.setting_fault(profile, request):
        message = sentences.NOT_SENT.made(model=f"{wire_format.name}/{wire_format.model}", message=fault)
        raise ModelFailure(message, kind="refused", provider=wire_format.name, model=wire_format.model, phase="connect")
    timeout_s = max(request.timeout_s, 0.001)  # google-genai counts in milliseconds, and 0 would be no limit
    general: JsonObject = {"timeout": timeout_s, "request_timeout": timeout_s}
    if asked.temperature is not None:
        general["temperature"] = asked.temperature
    if asked.top_p is not None:
        general["top_p"] = asked.top_p
    if (longest := longest_output(wire_format, request)) is not None:
        general["max_tokens"] = longest
    if wire_format.capabilities.parallel_tools is False and "no_parallel_tool_calls" not in wire_format.adaptations:
        general["parallel_tool_calls"] = False
    general |= wire_format.settings(profile, request)
    return cast(ModelSettings, general)


def longest_output(wire_format: WireFormat, request: ModelRequest) -> int | None:
    """The requested limit of the reply, in tokens; None: the server's default."""
    limits = (request.settings.max_output_tokens, wire_format.capabilities.max_output_tokens)
    longest = [each for each in limits if each is not None]
    return max(min(longest), wire_format.smallest_output) if longest else None


def parameters(wire_format: WireFormat, profile: ModelProfile, request: ModelRequest) -> ModelRequestParameters:
    """The offered tools and the output mode."""
    offered = () if wire_format.capabilities.tools is False else request.tools
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.get_schema())
        for tool in offered
    ]
    if request.output_schema is None:
        return ModelRequestParameters(function_tools=tools, allow_text_output=True)
    schema = dict(request.output_schema)
    # The providers' native modes accept objects only. Other schemas are described in the prompt, and the run validates.
    is_native = schema.get("type") == "object" and wire_format.has_native_output(profile, request)
    return ModelRequestParameters(
        function_tools=tools,
        output_mode="native" if is_native else "prompted",
        output_object=OutputObjectDefinition(json_schema=schema, name="answer"),
        allow_text_output=True,
    )
