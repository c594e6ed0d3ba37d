"""What servers that speak the chat format do not take of it: switched on one by one, as real servers are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server takes. Each False refuses it in the words of a real server."""

    unknown_fields: bool = True
    """Fields that the format does not have."""
    stream_options: bool = True
    """`stream_options`: older servers behind a strict schema know only `stream`."""
    mixed_strict: bool = True
    """Some tools with `strict` and some without (Cerebras)."""
    json_object: bool = True
    """The response format `json_object` (LM Studio)."""
    tools: bool = True
    """Tools (Ollama, with a model whose template has none)."""
    parallel_tool_calls: bool = True
    """The parameter `parallel_tool_calls`."""
    broken_arguments: bool = True
    """Calls in the history whose arguments are no JSON (llama.cpp parses them for its template)."""


OPEN = Dialect()
"""Takes whatever the format has, and ignores the rest."""
CEREBRAS = Dialect(mixed_strict=False)
LM_STUDIO = Dialect(json_object=False)
OLLAMA_WITHOUT_TOOLS = Dialect(tools=False)
LLAMA_CPP = Dialect(broken_arguments=False)
