"""Features of the chat format that some servers lack: each can be switched off, as on real servers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server supports. False for a field refuses it in the words of a real server."""

    unknown_fields: bool = True
    """Fields outside the format."""
    stream_options: bool = True
    """`stream_options`: older servers with a strict schema know only `stream`."""
    mixed_strict: bool = True
    """Some tools with `strict` and some without (Cerebras refuses the mix)."""
    json_object: bool = True
    """The response format `json_object` (LM Studio has none)."""
    tools: bool = True
    """Tools (Ollama refuses them for a model whose template has none)."""
    parallel_tool_calls: bool = True
    """The parameter `parallel_tool_calls`."""
    user_after_tool: bool = True
    """A user message directly after the results of tools (Mistral wants a reply between them)."""
    same_side_twice: bool = True
    """Two messages of the same side in a row, calls and results apart (the chat templates of many models refuse it)."""
    broken_arguments: bool = True
    """Calls in the history whose arguments are not JSON (llama.cpp parses them for its template)."""


OPEN = Dialect()
"""Supports the whole format and ignores other fields."""
CEREBRAS = Dialect(mixed_strict=False)
LM_STUDIO = Dialect(json_object=False)
OLLAMA_WITHOUT_TOOLS = Dialect(tools=False)
LLAMA_CPP = Dialect(broken_arguments=False)
MISTRAL = Dialect(user_after_tool=False)
LLAMA_CPP_WITH_MISTRAL = Dialect(broken_arguments=False, same_side_twice=False)
