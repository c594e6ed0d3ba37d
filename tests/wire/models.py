"""Our providers, pointed at the wire server."""

import json
from typing import Any

from runs.agent import AgentResult, RetryPolicy, run_agent
from runs.agent.errors import AgentError, ErrorSeverity
from runs.agent.messages import ModelProvider, ModelReply, ModelRequest, ToolResult, Turn
from runs.agent.providers.anthropic import AnthropicModel
from runs.agent.providers.google import GoogleModel
from runs.agent.providers.openai import OpenAIModel
from runs.agent.providers.responses import ResponsesModel
from runs.agent.providers.served import ServedModel, Server
from runs.agent.tools.toolbox import Toolbox
from tests.wire.outcomes import Answer
from tests.wire.server import WireServer

FORMATS = ("openai", "responses", "anthropic", "google")
TOOLS = tuple(Toolbox(["calculator", "current_time"]))


def model_at(
    server: WireServer, wire_format: str, *, name: str = "local", model: str = "m1", key: str | None = "the-key"
) -> ServedModel:
    """A model of that format at the server. `name` as a company's makes it that company's own."""
    match wire_format:
        case "anthropic":
            return AnthropicModel(model, Server(name, server.base_url, key))
        case "google":
            return GoogleModel(model, Server(name, server.url, key))
        case "responses":
            return ResponsesModel(model, Server(name, server.base_url, key))
        case _:
            return OpenAIModel(model, Server(name, server.base_url, key))


def format_of(model: ServedModel) -> str:
    """Which of the formats a model speaks."""
    return type(model).__module__.rpartition(".")[2]


def environ_at(server: WireServer) -> dict[str, str]:
    """An environment in which the models of all companies can be used, and are asked at the server."""
    return {
        "OPENAI_API_KEY": "the-key",
        "OPENAI_BASE_URL": server.base_url,
        "ANTHROPIC_API_KEY": "the-key",
        "ANTHROPIC_BASE_URL": server.url,
        "GOOGLE_API_KEY": "the-key",
        "GOOGLE_GEMINI_BASE_URL": server.url,
    }


async def tool_turn(server: WireServer, model: ModelProvider) -> AgentResult[str]:
    """What becomes of a run, without retries, whose model thinks, calls the calculator and answers 391 in the end."""
    calls = [("calculator", {"expression": "17 * 23"})]
    server.script(Answer("Let me see.", reasoning="Sums.", calls=calls), Answer("391", reasoning="Done."))
    return await run_agent("What is 17 * 23?", model=model, retry=RetryPolicy(max_attempts=1))


async def body_after_a_turn(server: WireServer, model: ServedModel, said: str, **about: Any) -> Any:
    """What is sent after a reply with two calls, which was stored and read again; the second call failed."""
    calls = [("calculator", {"expression": "1+1"}), ("nope", {})]
    server.script(Answer(said, calls=calls, **about), Answer("2"))
    reply = await model.reply(ModelRequest(task="Hi", tools=TOOLS))
    stored = ModelReply(reply.text, reply.reasoning, reply.calls, replay=json.loads(json.dumps(reply.replay)))
    error = AgentError("Unknown tool: nope.", ErrorSeverity.WARNING, {}, True)
    turn = Turn(stored, (ToolResult("1", "calculator", 2), ToolResult("2", "nope", None, error)))
    await model.reply(ModelRequest(task="Hi", tools=TOOLS, turns=[turn]))
    return server.requests[-1].body
