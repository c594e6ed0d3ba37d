"""Every code an `AgentError` can have. A code stays; its message may change."""

from typing import Final

from runs.agent.run_limits import LIMITS

CODES: dict[str, str] = {
    # A model
    "model_first_token_timeout": "It did not begin its reply within `first_token_timeout_s`.",
    "model_idle_timeout": "It sent nothing for `idle_timeout_s` in the middle of a reply.",
    "model_timeout": "Its reply was not complete within `model_timeout_s`, or its server gave up waiting.",
    "model_network": "Its server could not be reached, or the connection broke.",
    "model_rate_limited": "Its server limits the rate of requests, and it was exceeded.",
    "model_asked_to_wait": "Its server asked to wait (Retry-After), and the time is not over; no request was sent.",
    "model_overloaded": "Its server is overloaded.",
    "model_server": "Its server had an internal error.",
    "model_breaker_open": "Most of its last calls failed (the circuit breaker is open); no request was sent.",
    "model_refused": "Its server did not accept the request.",
    "model_not_found": "Its server has no such model.",
    "model_not_set_up": "Its server is not named in `AGENTSITE_ENDPOINTS` any more, or the key for it is missing.",
    "model_auth": "Its server did not accept the key.",
    "model_forbidden": "Its server accepted the key, but does not serve this model to it, or not in this region.",
    "model_out_of_money": "The account at its provider has no credit, or its plan's quota is used up.",
    "model_context_overflow": "The request is larger than the model's window, and could not be made smaller.",
    "model_no_tools": "The agent has tools, and the model supports none.",
    "model_wrong_address": "The server at this address is not a model server, or its API is at another path.",
    "model_bad_reply": "It sent no usable reply.",
    "model_blocked": "A content filter stopped the request or the reply.",
    # A limit
    **{each.code: each.reached for each in LIMITS if each.reached},
    "limit_daily_tokens_per_user": "Its owner used as many tokens as a day allows.",
    "limit_daily_usd_per_user": "Its owner spent what a day allows.",
    "cost_unknown": "The run has a cost limit, and the price of the model is unknown.",
    # A tool
    "tool_failed": "The tool reported that it could not do this call.",
    "tool_unavailable": "The tool could not do this call at that moment.",
    "tool_timeout": "The tool timed out; calling it again does no harm.",
    "outcome_unknown": "The tool timed out or lost its connection; nobody knows whether it happened.",
    "unknown_tool": "The model called a tool that the run does not have.",
    "invalid_arguments": "The model's arguments do not fit the tool.",
    "denied": "A person did not allow the call, or nobody allowed it in time.",
    "not_answered": "Nobody answered the question of the call in time.",
    "stopped": "The call was stopped with its run.",
    # An answer
    "bad_output": "The answer did not fit the output schema, even when the model was asked for it again.",
    # The run itself
    "cancelled": "It was stopped before it ended.",
    "poison": "The process that hosted it died four times without a new step.",
    "froze": "It blocked its process, together with all other runs there, until the process was ended.",
    "taken_over": "Another process continues the run.",
    "failed": "The run could not go on; the message says why.",
    # Python's own exceptions, from a tool's or a provider's code
    "timeout": "An operation took too long.",
    "network": "A connection failed.",
    "invalid_input": "A value or a type was wrong.",
    "unexpected": "A bug. The engineering team is notified.",
}
"""The meaning of each code, for the documentation of the API."""

TIMEOUT_CODES: Final = frozenset({"timeout", "tool_timeout"})
"""The codes of what took too long; a tool call whose outcome is unknown has its own."""


def is_limit(code: str) -> bool:
    """True if the run, or the day of its owner, reached a limit."""
    return code.startswith("limit_")
