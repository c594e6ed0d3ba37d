"""The limit of crashes: a run that took its process down this often ends as failed and is not started again."""

from datetime import UTC, datetime

from runs.agent.errors import call_sentences as sentences
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.execution import error_thought
from runs.engine.hosting.claim_queries import Claim
from runs.engine.hosting.crash_trials import MAX_CRASHES
from runs.engine.recording.recorder import Recorder
from runs.engine.recording.stopped_calls import stopped_calls, stopped_result
from runs.engine.writing.columns import Columns
from runs.engine.writing.writes import FROZE
from runs.models import Run, ToolCall


def has_crashed_too_often(run: Run) -> bool:
    """True for a run that may not be started again; also for one that blocked its process until it was killed."""
    return run.crashes >= MAX_CRASHES


def fail_after_crashes(claim: Claim, recorder: Recorder) -> None:
    """End the claim's run as failed, and close its calls: starting it again would take down the next process too."""
    error = _froze(claim) if claim.run.crashes >= FROZE else _lost_often(claim)
    ended: Columns = {"error": error.as_json(), "severity": error.severity.value, "ended_at": datetime.now(UTC)}
    ended["pause_requested_at"] = None
    running = list(recorder.open_calls.values())
    notes = [*map(stopped_result, running), error_thought(error)]
    recorder.leave("failed", notes=notes, calls=stopped_calls(running), **ended)


def _lost_often(claim: Claim) -> AgentError:
    return AgentError(
        sentences.RUN_LOST.made(count=claim.run.crashes),
        ErrorSeverity.CRITICAL,
        {"crashes": claim.run.crashes},
        recoverable=False,
        suggested_action=sentences.READ_THE_LOG.made(),
        code="poison",
    )


def _froze(claim: Claim) -> AgentError:
    open_calls = [call.tool_name for call in claim.calls if call.state == ToolCall.State.STARTED]
    return AgentError(
        sentences.FROZE_IN.made(tools=", ".join(map(repr, open_calls))) if open_calls else sentences.FROZE.made(),
        ErrorSeverity.CRITICAL,
        {"tools": open_calls},
        recoverable=False,
        suggested_action=sentences.FIND_THE_PLACE.made(),
        code="froze",
    )
