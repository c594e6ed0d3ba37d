"""Our model providers, pointed at the wire server."""

import json
from collections.abc import Sequence
from typing import Any

from runs.agent import AgentResult, RetryPolicy, run_agent
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.messages import ModelProvider, ModelReply, ModelRequest, ToolResult, Turn
from runs.agent.providers.formats.anthropic import AnthropicFormat
from runs.agent.providers.formats.google import GoogleFormat
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.formats.openai_responses import ResponsesFormat
from runs.agent.providers.model_server import Server
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.tools.toolbox import Toolbox
from tests.wire.outcomes import Answer
from tests.wire.server import WireServer

FORMATS = ("openai", "responses", "anthropic", "google")
TOOLS = tuple(Toolbox(["calculator", "current_time"]))


def model_at(
    server: WireServer, wire_format: str, *, name: str = "local", model: str = "m1", key: str | None = "the-key"
) -> RemoteModel:
    """A model of that format at the server. With the name of a hosted model, the provider treats it as hosted."""
    match wire_format:
        case "anthropic":
            return RemoteModel(AnthropicFormat(model, Server(name, server.base_url, key)))
        case "google":
            return RemoteModel(GoogleFormat(model, Server(name, server.url, key)))
        case "responses":
            return RemoteModel(ResponsesFormat(model, Server(name, server.base_url, key)))
        case _:
            return RemoteModel(OpenAIFormat(model, Server(name, server.base_url, key)))


def format_of(model: RemoteModel) -> str:
    """The name of the model's wire format."""
    return type(model.wire_format).__module__.rpartition(".")[2]


def environ_at(server: WireServer) -> dict[str, str]:
    """An environment with keys for all providers, whose base URLs are the server's."""
    return {
        "OPENAI_API_KEY": "the-key",
        "OPENAI_BASE_URL": server.base_url,
        "ANTHROPIC_API_KEY": "the-key",
        "ANTHROPIC_BASE_URL": server.url,
        "GOOGLE_API_KEY": "the-key",
        "GOOGLE_GEMINI_BASE_URL": server.url,
    }


async def tool_turn(server: WireServer, model: ModelProvider) -> AgentResult[str]:
    """The result of a run without retries whose model thinks, calls the calculator and answers 391."""
    calls = [("calculator", {"expression": "17 * 23"})]
    server.script(Answer("Let me see.", reasoning="Sums.", calls=calls), Answer("391", reasoning="Done."))
    return await run_agent("What is 17 * 23?", model=model, retry=RetryPolicy(max_attempts=1))


async def body_after_a_turn(
    server: WireServer, model: RemoteModel, said: str, *, messages: Sequence[str] = (), **about: Any
) -> Any:
    """The body sent after a reply with two calls that was stored and read again; the second call failed. `messages` are
    what people have said since."""
    calls = [("calculator", {"expression": "1+1"}), ("nope", {})]
    server.script(Answer(said, calls=calls, **about), Answer("2"))
    reply = await model.reply(ModelRequest(task="Hi", tools=TOOLS))
    stored = ModelReply(reply.text, reply.reasoning, reply.calls, replay=json.loads(json.dumps(reply.replay)))
    error = AgentError("Unknown tool: nope.", ErrorSeverity.WARNING, {}, True)
    turn = Turn(stored, (ToolResult("1", "calculator", 2), ToolResult("2", "nope", None, error)))
    await model.reply(ModelRequest(task="Hi", tools=TOOLS, turns=[turn], messages=messages))
    return server.requests[-1].body
