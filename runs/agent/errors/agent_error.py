"""The error as a value: what is shown to people, stored with the run and sent over the API."""

from dataclasses import dataclass, field
from enum import Enum

from runs.agent.json_data.json_types import JsonObject


class ErrorSeverity(Enum):
    """How bad an error is, from least to worst."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(slots=True)
class AgentError:
    """A structured error: what is shown to people, stored with the run and sent over the API."""

    message: str
    severity: ErrorSeverity
    context: JsonObject
    """Where it happened. JSON values, never a secret."""
    recoverable: bool
    """True if another attempt, unchanged or with the suggested change, can succeed."""
    suggested_action: str | None = None
    code: str = field(default="unexpected", kw_only=True)
    """Stable and machine-readable; the message may change, the code does not."""

    def as_json(self) -> JsonObject:
        """The error as a JSON object; the severity by its value."""
        return {
            "code": self.code,
            "message": self.message,
            "severity": self.severity.value,
            "context": self.context,
            "recoverable": self.recoverable,
            "suggested_action": self.suggested_action,
        }
