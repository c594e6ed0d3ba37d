"""What a server has refused of a request and can do without: learnt from its words, kept as long as the process lives.

A refused request is a failed attempt like any other, and shown as one; only the next one is made without what was
refused. Nothing a person has asked for is left out this way.
"""

from collections import defaultdict
from typing import Final

from runs.agent.errors import ModelFailure

_ADAPTATIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "no_stream_options": (("stream_options",), "without `stream_options`"),
    "no_parallel_tool_calls": (("parallel_tool_calls",), "without `parallel_tool_calls`"),
    "max_completion_tokens": (("max_completion_tokens",), "with `max_completion_tokens`"),
    "no_strict_tools": (("'strict'",), "without `strict`"),
    "no_output_schema": (("response_format", "json_schema", "text.format"), "with the schema in words"),
    "no_reasoning_summary": (("reasoning summar", "reasoning.summary"), "without summaries of its reasoning"),
    "no_encrypted_reasoning": (("encrypted_content", "encrypted content"), "without its encrypted reasoning"),
    "drop_block": (("bound to a different conversation",), "with thoughts dropped that no longer fit their place"),
}
"""What can be changed: the words of a refusal that speak of it, in lower case, and how the next request is made."""

_learnt: defaultdict[tuple[str, str], set[str]] = defaultdict(set)


def learnt(account: str, model: str) -> frozenset[str]:
    """What requests to that model leave out or do otherwise by now."""
    return frozenset(_learnt.get((account, model), ()))


def adapt(failure: ModelFailure, account: str, model: str, *, possible: frozenset[str], sent: frozenset[str]) -> bool:
    """True if the refusal speaks of something of `possible` that the next request does otherwise: `failure.again`.

    `sent` is what the refused request did otherwise already: another one may have learnt the same meanwhile.
    """
    if failure.status not in (400, 422) or failure.kind != "refused":
        return False
    words = str(failure).lower()
    known = _learnt[account, model]
    for name, (signs, change) in _ADAPTATIONS.items():
        if name == "no_output_schema" and "invalid schema" in words:
            continue  # one agent's schema is wrong; the server takes others
        if name in possible and name not in sent and any(sign in words for sign in signs):
            known.add(name)
            failure.again = change
            return True
    return False
