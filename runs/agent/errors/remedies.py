"""The buttons of an error card, by error code."""

from dataclasses import dataclass
from typing import Literal

from runs.agent.marked_words import words
from runs.agent.run_limits import LIMITS
from runs.agent.setting import Setting

Action = Literal["retry_longer", "switch_model", "raise_limit", "edit_and_run_again"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One button of an error card."""

    action: Action
    label: str
    limit: str = ""
    """For `raise_limit` and `retry_longer`: the name of the limit in `RunLimits`."""


_SWITCH = Remedy("switch_model", words("Use another model"))
_EDIT = Remedy("edit_and_run_again", words("Edit & run again"))


def _of_limit(limit: Setting) -> tuple[Remedy, ...]:
    """The buttons for a limit that was reached."""
    if limit.group == "limits":
        return Remedy("raise_limit", limit.raise_label, limit.name), _EDIT
    longer = Remedy("retry_longer", words("Run again with more time"), limit.name)
    return (longer, _SWITCH) if limit.code.startswith("model_") else (longer,)


_REMEDIES: dict[str, tuple[Remedy, ...]] = {
    **{each.code: _of_limit(each) for each in LIMITS if each.code},
    "model_not_found": (_SWITCH,),
    "model_auth": (_SWITCH,),
    "model_refused": (_EDIT, _SWITCH),
    "model_blocked": (_EDIT, _SWITCH),
    "model_forbidden": (_SWITCH,),
    "model_out_of_money": (_SWITCH,),
    "model_context_overflow": (_SWITCH, _EDIT),
    "model_no_tools": (_SWITCH, _EDIT),
    "model_wrong_address": (_SWITCH,),
    "cost_unknown": (_SWITCH,),
    "bad_output": (_EDIT, _SWITCH),
    "timeout": (Remedy("retry_longer", words("Run again with more time"), "max_duration_s"),),
    "network": (_SWITCH,),
    "invalid_input": (_EDIT,),
    "failed": (_EDIT,),
    "tool_failed": (_EDIT,),
    "tool_unavailable": (_EDIT,),
    "unknown_tool": (_EDIT,),
    "invalid_arguments": (_EDIT,),
}


def remedies_for(error_code: str) -> tuple[Remedy, ...]:
    """The buttons for an error code, the most useful first; empty if none would help."""
    if error_code in _REMEDIES:
        return _REMEDIES[error_code]
    return (_SWITCH,) if error_code.startswith("model_") else ()
