"""Deliberate bugs in a real process, which the checker must find.

Loaded beside `tests.chaos.tools` with AGENTSITE_TOOLS. The file `bug` in the witness' folder names the active one.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from runs.agent.journal import CallChange
from runs.engine import control
from runs.engine.hosting import claim_endings, claim_queries
from runs.engine.recording.recorder import Recorder
from runs.engine.writing.batch import Batch
from runs.engine.writing.writes import Write, WriteOutcome
from runs.models import Run, Step, ToolCall
from tests.chaos.tools import FOLDER

_stopped = claim_endings.stopped
_outcome_is_unknown = claim_endings._outcome_is_unknown
_apply = Batch._apply
_write = Batch.write
_durable = Recorder.durable
_claim = claim_queries.claim
_renew = claim_queries.renew
_approve = control.approve


def _is_on(name: str) -> bool:
    try:
        return (FOLDER / "bug").read_text() == name
    except FileNotFoundError:
        return False


def _stopped_as_completed(recorder: Recorder, reason: claim_endings.StopReason, *args: Any, **kwargs: Any) -> None:
    """The seed's `finally: complete()`."""
    if reason == "cancel" and _is_on("completed_by_a_stop") and not recorder.has_left:
        recorder.leave("completed", notes=[])
    else:
        _stopped(recorder, reason, *args, **kwargs)


def _nothing_is_unknown(change: CallChange) -> bool:
    """A started call is simply run again."""
    return _outcome_is_unknown(change) and not _is_on("unsafe_again")


def _apply_with_a_bug(self: Batch, write: Write, row: Any) -> WriteOutcome:
    """A result recorded twice, or a write whose epoch is not checked."""
    if _is_on("step_doubled"):
        results = [step for step in write.steps if step["kind"] == Step.Kind.TOOL_RESULT]
        write.steps = [*write.steps, *results]
    if row is not None and row.epoch != write.epoch and _is_on("not_fenced"):
        # With a status the database itself would refuse it: `run_is_hosted_or_not`.
        row.epoch, row.hosted, write.status = write.epoch, True, None
    return _apply(self, write, row)


def _write_late(self: Batch) -> Sequence[WriteOutcome]:
    """A slow disk that nothing waits for."""
    if _is_on("not_durable") and any(change.state == "started" for write in self.writes for change in write.calls):
        time.sleep(1)
    return _write(self)


async def _durable_at_once(self: Recorder) -> None:
    """A queued write counts as durable."""
    if not _is_on("not_durable"):
        await _durable(self)


def _claim_from_the_start(*args: Any, **kwargs: Any) -> Any:
    """The run starts again, and its shown steps are deleted."""
    if _is_on("steps_forgotten"):
        Step.objects.filter(run_id=args[0]).delete()
    return _claim(*args, **kwargs)


def _all_still_mine(owner: str, held: Mapping[UUID, int]) -> dict[UUID, claim_queries.ControlRequest]:
    """A host that woke up believes that it still owns its runs."""
    if _is_on("not_fenced"):
        return {run: claim_queries.ControlRequest(cancel=False, pause=False) for run in held}
    return _renew(owner, held)


def _approve_whatever_became_of_it(call_id: UUID, **about: Any) -> ToolCall:
    """A page that was open for long still has its button."""
    if not _is_on("approved_after_a_stop"):
        return _approve(call_id, **about)
    call = ToolCall.objects.select_related("run").get(pk=call_id)
    ToolCall.objects.filter(pk=call_id).update(state=ToolCall.State.APPROVED)
    Run.objects.filter(pk=call.run_id).update(status=Run.Status.IDLE, cancel_requested_at=None)
    return call


claim_endings.stopped = _stopped_as_completed
claim_queries.renew = _all_still_mine
control.approve = _approve_whatever_became_of_it  # type: ignore[assignment]
claim_endings._outcome_is_unknown = _nothing_is_unknown
Batch._apply = _apply_with_a_bug  # type: ignore[method-assign]
Batch.write = _write_late  # type: ignore[method-assign, assignment]
Recorder.durable = _durable_at_once  # type: ignore[method-assign]
claim_queries.claim = _claim_from_the_start
