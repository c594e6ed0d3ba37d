"""Every code an `AgentError` can have. A code stays; its message may change."""

CODES: dict[str, str] = {
    # A model
    "model_first_token_timeout": "It did not begin its reply within `first_token_timeout_s`.",
    "model_idle_timeout": "It fell silent in the middle of a reply for `idle_timeout_s`.",
    "model_timeout": "Its reply was not complete within `model_timeout_s`, or its server gave up waiting.",
    "model_network": "Its server could not be reached, or the connection broke.",
    "model_rate_limited": "Its server wants fewer requests.",
    "model_asked_to_wait": "Its server wants to be left alone for now; it was not asked.",
    "model_overloaded": "Its server has too much to do.",
    "model_server": "Its server failed.",
    "model_breaker_open": "Most of its last calls failed; it was not asked.",
    "model_refused": "Its server did not accept the request, or an account has run out.",
    "model_not_found": "Its server has no such model.",
    "model_not_set_up": "Its server is not named in `AGENTSITE_ENDPOINTS` any more, or the key for it is missing.",
    "model_auth": "Its server did not accept the key.",
    "model_forbidden": "Its server knows the key, and does not serve it this model or this region.",
    "model_out_of_money": "The account at its provider has no credit, or its plan's quota is used up.",
    "model_context_overflow": "The request is larger than the model's window, and could not be made smaller.",
    "model_no_tools": "The model takes no tools, and the agent has some.",
    "model_wrong_address": "Something answered at the server's address that is no model server, or not at this path.",
    "model_bad_reply": "What it sent is no usable reply.",
    "model_blocked": "A content filter stopped the request or the reply.",
    # A limit
    "limit_max_turns": "The run had as many turns as it may have.",
    "limit_max_duration_s": "The run took as long as it may take.",
    "limit_max_tokens": "The run used as many tokens as it may use, or the next reply might have gone beyond.",
    "limit_max_cost_usd": "The run cost what it may cost, or the next reply might have gone beyond.",
    "limit_daily_tokens_per_user": "Its owner used as many tokens as a day allows.",
    "limit_daily_usd_per_user": "Its owner spent what a day allows.",
    "cost_unknown": "There is a limit on money, and nobody knows what the model costs.",
    # A tool
    "tool_failed": "The tool could not do this call, and said why.",
    "tool_unavailable": "The tool could not do this call at that moment.",
    "tool_timeout": "The tool gave no result in time; calling it again does no harm.",
    "outcome_unknown": "The tool gave no result in time; whether it took effect is unknown.",
    "unknown_tool": "The model asked for a tool the run does not have.",
    "invalid_arguments": "The model's arguments do not fit the tool.",
    "denied": "A person did not allow the call, or nobody allowed it in time.",
    "stopped": "The call was stopped with its run.",
    # An answer
    "bad_output": "The answer did not fit the output schema, and still did not when it was asked for again.",
    # The run itself
    "cancelled": "It was stopped before it ended.",
    "poison": "The process that worked on it died three times without a new step.",
    "taken_over": "Another process goes on with the run.",
    "failed": "Something of ours failed and said why.",
    # Python's own exceptions, from a tool's or a provider's code
    "timeout": "An operation took too long.",
    "network": "A connection failed.",
    "invalid_input": "A value or a type was wrong.",
    "unexpected": "A bug. The engineering team is told.",
}
"""What each code means, for people who build on it."""
