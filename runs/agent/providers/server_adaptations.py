"""Adaptations to servers that refuse an optional part of a request; learnt from the error, for the life of the process.

A refused request is a failed attempt like any other, and shown as one; the next one is made without the refused
part. No setting chosen by a person is left out.
"""

from collections import defaultdict
from typing import Final

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.marked_words import words

ASSISTANT_AFTER_TOOLS: Final = "assistant_after_tools"
"""A reply stands between the results of tools and the next user message. Mistral and the chat templates of its models
want that: https://github.com/BerriAI/litellm/issues/17761, https://github.com/mistralai/mistral-vibe/issues/1006."""
_ADAPTATIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "no_stream_options": (("stream_options",), words("without `stream_options`")),
    "no_parallel_tool_calls": (("parallel_tool_calls",), words("without `parallel_tool_calls`")),
    "max_completion_tokens": (("max_completion_tokens",), words("with `max_completion_tokens`")),
    "no_strict_tools": (("'strict'",), words("without `strict`")),
    "no_output_schema": (("response_format", "json_schema", "text.format"), words("with the schema in words")),
    "no_reasoning_summary": (("reasoning summar", "reasoning.summary"), words("without summaries of its reasoning")),
    "no_encrypted_reasoning": (("encrypted_content", "encrypted content"), words("without its encrypted reasoning")),
    "drop_block": (
        ("bound to a different conversation",),
        words("with thoughts dropped that no longer fit their place"),
    ),
    ASSISTANT_AFTER_TOOLS: (
        ("unexpected role 'user' after role 'tool'", "roles must alternate"),
        words("with a word of the model between the results and the message"),
    ),
}
"""The possible adaptations: lower-case signs of the refused part in an error, and a phrase about the next request."""
CHANGES: Final = tuple(change for _signs, change in _ADAPTATIONS.values())
"""The phrases."""

_learnt: defaultdict[tuple[str, str], set[str]] = defaultdict(set)


def learnt(account: str, model: str) -> frozenset[str]:
    """The adaptations learnt for a model so far."""
    return frozenset(_learnt.get((account, model), ()))


def adapt(failure: ModelFailure, account: str, model: str, *, possible: frozenset[str], sent: frozenset[str]) -> bool:
    """Learn an adaptation of `possible` from a refusal. If there is one, set `failure.again` and return True.

    `sent` are the adaptations of the refused request; a concurrent request may have learnt the same one meanwhile.
    """
    told = str(failure).lower()
    # A refusal by a chat template: with llama.cpp and Ollama an error of the server, with others one in the stream.
    is_of_template = failure.status in (None, 500) and "jinja" in told
    if not is_of_template and (failure.status not in (400, 422) or failure.kind != "refused"):
        return False
    known = _learnt[account, model]
    for name, (signs, change) in _ADAPTATIONS.items():
        if name == "no_output_schema" and "invalid schema" in told:
            continue  # the agent's schema is invalid; the server accepts others
        if name in possible and name not in sent and any(sign in told for sign in signs):
            known.add(name)
            failure.again = change
            return True
    return False
