"""Our providers, pointed at the wire server."""

from runs.agent.providers.anthropic import AnthropicModel
from runs.agent.providers.google import GoogleModel
from runs.agent.providers.openai import OpenAIModel
from runs.agent.providers.served import ServedModel, Server
from tests.wire.server import WireServer

FORMATS = ("openai", "anthropic", "google")


def model_at(
    server: WireServer, wire_format: str, *, name: str = "local", model: str = "m1", key: str | None = "the-key"
) -> ServedModel:
    """A model of that format at the server. `name` as a company's makes it that company's own."""
    match wire_format:
        case "anthropic":
            return AnthropicModel(model, Server(name, server.base_url, key))
        case "google":
            return GoogleModel(model, Server(name, server.url, key))
        case _:
            return OpenAIModel(model, Server(name, server.base_url, key))
