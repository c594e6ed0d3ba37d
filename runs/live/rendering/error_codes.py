"""Labels of error codes."""

from django.utils.translation import gettext_lazy

from runs.markdown import visible

CODES = {
    "timeout": gettext_lazy("Timed out"),
    "network": gettext_lazy("Connection failed"),
    "rate_limited": gettext_lazy("Rate limited"),
    "overloaded": gettext_lazy("Overloaded"),
    "server": gettext_lazy("Server error"),
    "refused": gettext_lazy("Refused"),
    "not_found": gettext_lazy("Not found"),
    "auth": gettext_lazy("Not authorised"),
    "bad_reply": gettext_lazy("Unusable reply"),
    "forbidden": gettext_lazy("Not allowed"),
    "out_of_money": gettext_lazy("Out of credit"),
    "context_overflow": gettext_lazy("Context window exceeded"),
    "no_tools": gettext_lazy("No tool support"),
    "wrong_address": gettext_lazy("Wrong address"),
    "blocked": gettext_lazy("Blocked"),
    "first_token_timeout": gettext_lazy("No first word"),
    "idle_timeout": gettext_lazy("Reply stalled"),
    "asked_to_wait": gettext_lazy("Rate limited"),
    "breaker_open": gettext_lazy("Paused after repeated failures"),
}
"""Labels of the error codes of models. Other codes are shown as they are."""


def cause_of(code: str) -> str:
    """The label of a code; one without a label is shown as words."""
    known = CODES.get(code.removeprefix("model_"))
    return str(known) if known is not None else visible(code.replace("_", " ").capitalize())
