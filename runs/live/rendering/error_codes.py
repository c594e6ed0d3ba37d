"""Labels of error codes."""

from runs.markdown import visible

CODES = {
    "timeout": "Timed out",
    "network": "Connection failed",
    "rate_limited": "Rate limited",
    "overloaded": "Overloaded",
    "server": "Server error",
    "refused": "Refused",
    "not_found": "Not found",
    "auth": "Not authorised",
    "bad_reply": "Unusable reply",
    "forbidden": "Not allowed",
    "out_of_money": "Out of credit",
    "context_overflow": "Context window exceeded",
    "no_tools": "No tool support",
    "wrong_address": "Wrong address",
    "blocked": "Blocked",
    "first_token_timeout": "No first word",
    "idle_timeout": "Reply stalled",
    "asked_to_wait": "Rate limited",
    "breaker_open": "Paused after repeated failures",
}
"""Labels of the error codes of models. Other codes are shown as they are."""


def cause_of(code: str) -> str:
    """The label of a code; one without a label is shown as words."""
    return CODES.get(code.removeprefix("model_"), visible(code.replace("_", " ").capitalize()))
