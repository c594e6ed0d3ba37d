"""The control room: everything a person, the API or a schedule may do to a run.

Each function is one transaction that first locks the run row. Web, API and admin change runs only through this package.
"""

from runs.engine.control.agent_changes import (
    AgentRefused,
    remove_label,
    restore_version,
    set_archived,
    set_label,
)
from runs.engine.control.agent_choice import named_agent
from runs.engine.control.approval_grace import GRACE_S, end_graces, undo_approval
from runs.engine.control.approvals import approve, deny, expire_approvals
from runs.engine.control.cancel import CancelOutcome, cancel
from runs.engine.control.ceilings import Ceilings, OverrideRefused, ceilings_after, ceilings_of, refusals
from runs.engine.control.child_launch import answer_of_child
from runs.engine.control.decision_log import DecisionRefused, without_secrets
from runs.engine.control.deliveries import ReplayRefused, deliver, mapped_by, repeated_delivery, replay
from runs.engine.control.draft_launch import Draft, launch_draft
from runs.engine.control.follow_up import NotFinished, ask_again, continue_run
from runs.engine.control.force_cancel import ForceOutcome, can_be_forced_at, force
from runs.engine.control.launch import files_left_out, launch, run_again
from runs.engine.control.launch_idempotency import KeyReused, launch_once
from runs.engine.control.overrides import OVERRIDES, launched_like, with_rules_of_today
from runs.engine.control.pause import PauseOutcome, pause
from runs.engine.control.questions import (
    AnswerRefused,
    answer,
    expire_questions,
    is_same_answer,
    shown_answer,
    stands_of_question,
)
from runs.engine.control.resume import ResumeOutcome, resume
from runs.engine.control.retry_waits import WaitOutcome, stop_retrying, try_now
from runs.engine.control.run_messages import (
    MessageRefused,
    edit_message,
    send_message,
    stands_of_message,
    text_hash,
    withdraw_message,
)
from runs.engine.control.template_launch import FilledTemplate, fill, launch_template
from runs.engine.control.threads import change_thread
from runs.engine.control.tree_stops import stop_unwanted
from runs.engine.control.tree_wakes import after_leaving, wake_parents
from runs.engine.control.trigger_checks import TriggerRefused, TriggerSettings
from runs.engine.control.trigger_trial import MappingTrial, try_mapping
from runs.engine.control.triggers import (
    TriggerCredentials,
    change_trigger,
    create_trigger,
    delete_trigger,
    pause_trigger,
    resume_trigger,
    rotate_trigger_secret,
    rotate_trigger_token,
)
from runs.engine.control.unknown_outcomes import Outcome, settle
from runs.engine.control.webhooks import (
    WebhookRefused,
    WebhookSettings,
    change_webhook,
    create_webhook,
    delete_webhook,
    pause_webhook,
    resend_event,
    resume_webhook,
    rotate_secret,
    try_webhook,
)

__all__ = [
    "GRACE_S",
    "OVERRIDES",
    "AgentRefused",
    "AnswerRefused",
    "CancelOutcome",
    "Ceilings",
    "DecisionRefused",
    "Draft",
    "FilledTemplate",
    "ForceOutcome",
    "KeyReused",
    "MappingTrial",
    "MessageRefused",
    "NotFinished",
    "Outcome",
    "OverrideRefused",
    "PauseOutcome",
    "ReplayRefused",
    "ResumeOutcome",
    "TriggerCredentials",
    "TriggerRefused",
    "TriggerSettings",
    "WaitOutcome",
    "WebhookRefused",
    "WebhookSettings",
    "after_leaving",
    "answer",
    "answer_of_child",
    "approve",
    "ask_again",
    "can_be_forced_at",
    "cancel",
    "ceilings_after",
    "ceilings_of",
    "change_thread",
    "change_trigger",
    "change_webhook",
    "continue_run",
    "create_trigger",
    "create_webhook",
    "delete_trigger",
    "delete_webhook",
    "deliver",
    "deny",
    "edit_message",
    "end_graces",
    "expire_approvals",
    "expire_questions",
    "files_left_out",
    "fill",
    "force",
    "is_same_answer",
    "launch",
    "launch_draft",
    "launch_once",
    "launch_template",
    "launched_like",
    "mapped_by",
    "named_agent",
    "pause",
    "pause_trigger",
    "pause_webhook",
    "refusals",
    "remove_label",
    "repeated_delivery",
    "replay",
    "resend_event",
    "restore_version",
    "resume",
    "resume_trigger",
    "resume_webhook",
    "rotate_secret",
    "rotate_trigger_secret",
    "rotate_trigger_token",
    "run_again",
    "send_message",
    "set_archived",
    "set_label",
    "settle",
    "shown_answer",
    "stands_of_message",
    "stands_of_question",
    "stop_retrying",
    "stop_unwanted",
    "text_hash",
    "try_mapping",
    "try_now",
    "try_webhook",
    "undo_approval",
    "wake_parents",
    "with_rules_of_today",
    "withdraw_message",
    "without_secrets",
]
