"""The control room: everything a person, the API or a schedule may do to a run.

Each function is one transaction that first locks the run row. Web, API and admin change runs only through here.
"""

from runs.engine.control.continuing import NotFinished, continue_run
from runs.engine.control.deciding import approve, deny, expire_approvals
from runs.engine.control.decisions import DecisionRefused
from runs.engine.control.launching import launch, run_again
from runs.engine.control.overrides import OVERRIDES, OverrideRefused, with_rules_of_today
from runs.engine.control.pausing import PauseOutcome, pause
from runs.engine.control.resuming import ResumeOutcome, resume
from runs.engine.control.retrying import WaitOutcome, stop_retrying, try_now
from runs.engine.control.settling import Outcome, settle
from runs.engine.control.stopping import CancelOutcome, ForceOutcome, can_be_forced_at, cancel, force

__all__ = [
    "OVERRIDES",
    "CancelOutcome",
    "DecisionRefused",
    "ForceOutcome",
    "NotFinished",
    "Outcome",
    "OverrideRefused",
    "PauseOutcome",
    "ResumeOutcome",
    "WaitOutcome",
    "approve",
    "can_be_forced_at",
    "cancel",
    "continue_run",
    "deny",
    "expire_approvals",
    "force",
    "launch",
    "pause",
    "resume",
    "run_again",
    "settle",
    "stop_retrying",
    "try_now",
    "with_rules_of_today",
]
