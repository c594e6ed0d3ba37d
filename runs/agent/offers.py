"""What a person can do about an error with one press of a button."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["retry_longer", "switch_model", "raise_limit", "edit_and_run_again"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One button of an error card."""

    action: Action
    label: str
    limit: str = ""
    """Of `raise_limit` and `retry_longer`: which of the run's limits, by its name in `RunLimits`."""


_SWITCH = Offer("switch_model", "Use another model")
_EDIT = Offer("edit_and_run_again", "Edit and run again")

_OFFERS: dict[str, tuple[Offer, ...]] = {
    "model_not_found": (_SWITCH,),
    "model_auth": (_SWITCH,),
    "model_refused": (_EDIT, _SWITCH),
    "model_blocked": (_EDIT, _SWITCH),
    "model_forbidden": (_SWITCH,),
    "model_out_of_money": (_SWITCH,),
    "model_context_overflow": (_SWITCH, _EDIT),
    "model_no_tools": (_SWITCH, _EDIT),
    "model_wrong_address": (_SWITCH,),
    "model_timeout": (Offer("retry_longer", "Run again with more time", "model_timeout_s"), _SWITCH),
    "cost_unknown": (_SWITCH,),
    "bad_output": (_EDIT, _SWITCH),
    "timeout": (Offer("retry_longer", "Run again with more time", "max_duration_s"),),
    "tool_timeout": (Offer("retry_longer", "Run again with more time", "tool_timeout_s"),),
    "limit_max_turns": (Offer("raise_limit", "Allow more turns", "max_turns"), _EDIT),
    "limit_max_duration_s": (Offer("raise_limit", "Allow more time", "max_duration_s"), _EDIT),
    "limit_max_tokens": (Offer("raise_limit", "Allow more tokens", "max_tokens"), _EDIT),
    "limit_max_cost_usd": (Offer("raise_limit", "Allow it to cost more", "max_cost_usd"), _EDIT),
    "network": (_SWITCH,),
    "invalid_input": (_EDIT,),
    "failed": (_EDIT,),
    "tool_failed": (_EDIT,),
    "tool_unavailable": (_EDIT,),
    "unknown_tool": (_EDIT,),
    "invalid_arguments": (_EDIT,),
}


def offers(error_code: str) -> tuple[Offer, ...]:
    """What to offer for an error of that code, the most useful first; nothing where no button would help."""
    if error_code in _OFFERS:
        return _OFFERS[error_code]
    if error_code in ("model_first_token_timeout", "model_idle_timeout"):
        limit = error_code.removeprefix("model_") + "_s"
        return Offer("retry_longer", "Run again with more time", limit), _SWITCH
    return (_SWITCH,) if error_code.startswith("model_") else ()
