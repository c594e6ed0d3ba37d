"""What a request asks for beyond the conversation, in the transport's words: tools, the answer's form, settings."""

from typing import Any, cast

from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from runs.agent.errors import ModelFailure
from runs.agent.messages import ModelRequest
from runs.agent.providers.served import ServedModel


def settings(served: ServedModel, profile: ModelProfile, request: ModelRequest) -> ModelSettings:
    """The transport's settings for a request. Raises `ModelFailure` for one the model does not take."""
    asked = request.settings
    if fault := served.setting_fault(profile, request):
        message = f"{served.name}/{served.model} was not asked: {fault}"
        raise ModelFailure(message, kind="refused", provider=served.name, model=served.model, phase="connect")
    timeout_s = max(request.timeout_s, 0.001)  # google-genai counts in milliseconds, and 0 would be no limit
    general: dict[str, Any] = {"timeout": timeout_s, "request_timeout": timeout_s}
    if asked.temperature is not None:
        general["temperature"] = asked.temperature
    if asked.top_p is not None:
        general["top_p"] = asked.top_p
    if (longest := longest_output(served, request)) is not None:
        general["max_tokens"] = longest
    if served.capabilities.parallel_tools is False and "no_parallel_tool_calls" not in served.adaptations:
        general["parallel_tool_calls"] = False
    general |= served.settings(profile, request)
    return cast(ModelSettings, general)


def longest_output(served: ServedModel, request: ModelRequest) -> int | None:
    """The longest reply that is asked for, in tokens; None if that is left to the server."""
    limits = (request.settings.max_output_tokens, served.capabilities.max_output_tokens)
    longest = [each for each in limits if each is not None]
    return max(min(longest), served.smallest_output) if longest else None


def parameters(served: ServedModel, profile: ModelProfile, request: ModelRequest) -> ModelRequestParameters:
    """The tools and the form of the answer."""
    offered = () if served.capabilities.tools is False else request.tools
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.get_schema())
        for tool in offered
    ]
    if request.output_schema is None:
        return ModelRequestParameters(function_tools=tools, allow_text_output=True)
    schema = dict(request.output_schema)
    # Every provider's own mode takes objects only. What it does not take is asked for in words, and checked by the run.
    is_native = schema.get("type") == "object" and served.has_native_output(profile, request)
    return ModelRequestParameters(
        function_tools=tools,
        output_mode="native" if is_native else "prompted",
        output_object=OutputObjectDefinition(json_schema=schema, name="answer"),
        allow_text_output=True,
    )
