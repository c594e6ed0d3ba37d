"""Alerts about the critical steps of one claim."""

from uuid import UUID

from runs.agent.payloads.kinds import Payload, read_payload
from runs.agent.payloads.steps import ErrorPayload, RetryPayload, ToolResultPayload
from runs.agent.thoughts import ThoughtType
from runs.engine.operations.alerts import Alert, Alerts
from runs.engine.writing.columns import Columns


class StepAlerts:
    """Sends an alert for each trouble once: a failed attempt and the end of the run may have one cause."""

    def __init__(self, alerts: Alerts | None, run_id: UUID) -> None:
        self._alerts = alerts
        self._run_id = run_id
        self._told: set[tuple[str, ...]] = set()
        """The fingerprints of the alerts sent."""

    def note(self, step: Columns) -> None:
        """Send an alert if the step is critical. Secrets are hidden in it."""
        if step.get("severity") != "critical" or self._alerts is None:
            return
        alert = _alert(self._run_id, step, read_payload(step["kind"], step["metadata"]))
        if alert.fingerprint not in self._told:
            self._told.add(alert.fingerprint)
            self._alerts.tell(alert)


def _alert(run_id: UUID, step: Columns, payload: Payload) -> Alert:
    """`payload` is that of the step."""
    context = payload.context if isinstance(payload, ErrorPayload) else {}
    who = [step.get(name) or context.get(name) for name in ("provider", "model", "tool_name")]
    about = tuple(str(each) for each in who if each)
    action = str(step.get("suggested_action") or "")
    code = "unexpected"
    if isinstance(payload, ErrorPayload | RetryPayload | ToolResultPayload) and payload.code:
        code = payload.code
    # The end of a run by a bug was logged where its traceback was at hand (`runs.agent.execution`).
    is_logged = code == "unexpected" and step["kind"] == ThoughtType.ERROR.value
    return Alert(code, step["content"], run_id, about, action, is_logged=is_logged)
