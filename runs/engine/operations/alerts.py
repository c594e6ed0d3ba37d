"""Alerts: critical errors go to the log, by e-mail to `ADMINS`, and to a webhook; the same one once an hour.

Sent alerts are remembered in this process only: after a restart the same problem is sent again.
"""

import json
import logging
import queue
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.core.mail import mail_admins
from django.urls import reverse

from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import without_markup
from runs.agent.redaction.redactor import Redactor
from runs.agent.text import counted

logger = logging.getLogger(__name__)

QUIET_S = 3600.0
"""How long the same alert is not sent again."""
WEBHOOK_TIMEOUT_S = 5.0
MAX_WAITING = 100
"""Alerts waiting to be sent; further ones are in the log only."""
MAX_REMEMBERED = 1000
MAX_MESSAGE_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Alert:
    """A critical error, and where it happened."""

    code: str
    message: str
    run_id: UUID | None = None
    about: tuple[str, ...] = ()
    """The provider, model or tool concerned."""
    suggested_action: str = ""
    is_logged: bool = False
    """True if it is in the log already, with its traceback."""
    times_before: int = 0
    """How often the same alert was suppressed in the last hour."""

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """Equal for the same problem: numbers, ids and quoted values of the message do not count."""
        plain = re.sub(r"'[^']*'|\"[^\"]*\"|[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "…", self.message)
        return (self.code, *self.about, plain[:200])


class Alerts:
    """Sends alerts. `tell` never blocks and never raises; a thread sends them."""

    def __init__(self, redactor: Redactor | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._redactor = redactor or Redactor()
        self._clock = clock
        self._told: dict[tuple[str, ...], tuple[float, int]] = {}
        self._waiting: queue.Queue[Alert] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, alert: Alert) -> None:
        """Log the alert unless it is logged, and send it unless the same was sent in the last hour."""
        alert = self._safe(alert)
        if not alert.is_logged:
            logger.critical("%s: %s %s", alert.code, alert.message, f"Run {alert.run_id}." if alert.run_id else "")
        due = self._if_due(alert)
        if due is None or not (settings.ADMINS or settings.AGENTSITE_ALERT_WEBHOOK):
            return
        try:
            self._waiting.put_nowait(due)
        except queue.Full:
            logger.error("Too many alerts wait to be sent; this one is in the log only.")
            return
        self._start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all pending alerts were sent or given up; False after `timeout_s`."""
        until = time.monotonic() + timeout_s
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks:
                if (left := until - time.monotonic()) <= 0:
                    return False
                self._waiting.all_tasks_done.wait(left)
        return True

    def _safe(self, alert: Alert) -> Alert:
        hide = self._redactor.text
        message = hide(alert.message)[:MAX_MESSAGE_CHARS]
        about, action = tuple(map(hide, alert.about)), hide(alert.suggested_action)
        return replace(alert, message=message, about=about, suggested_action=action)

    def _if_due(self, alert: Alert) -> Alert | None:
        """The alert with its count of suppressed repeats; None if it is suppressed now."""
        with self._lock:
            now, key = self._clock(), alert.fingerprint
            told_at, kept_back = self._told.get(key, (None, 0))
            if told_at is not None and now - told_at < QUIET_S:
                self._told[key] = (told_at, kept_back + 1)
                return None
            self._told.pop(key, None)  # Reinserted at the end: the dictionary is ordered by age.
            self._told[key] = (now, 0)
            while len(self._told) > MAX_REMEMBERED:
                del self._told[next(iter(self._told))]
        return replace(alert, times_before=kept_back)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_for_ever, name="agentsite-alerts", daemon=True)
                self._thread.start()

    def _send_for_ever(self) -> None:
        while True:
            alert = self._waiting.get()
            try:
                for send in (_send_mail, _send_webhook):
                    try:
                        send(alert)
                    except Exception as error:  # noqa: BLE001 - an alert that cannot be sent must not end the sender
                        # Without the error's own text: it may contain the webhook's address, which is a secret.
                        logger.error("An alert could not be sent (%s, %s).", send.__name__, type(error).__name__)
            finally:
                self._waiting.task_done()


def _send_mail(alert: Alert) -> None:
    if settings.ADMINS:
        mail_admins(f"{alert.code}: {' '.join(alert.message.split())[:80]}", _text(alert))


def _send_webhook(alert: Alert) -> None:
    address = settings.AGENTSITE_ALERT_WEBHOOK
    if not address:
        return
    body = json.dumps(_payload(alert)).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - http(s) only
    with urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_S) as answer:  # noqa: S310 - checked in the settings
        answer.read(1)


def _payload(alert: Alert) -> JsonObject:
    """`text` is the field that chat servers show, in which a message of a tool or a provider must ring for nobody; the
    others are for programs."""
    return {
        "text": _text(replace(alert, message=without_markup(alert.message))),
        "code": alert.code,
        "severity": "critical",
        "message": alert.message,
        "about": list(alert.about),
        "run": str(alert.run_id) if alert.run_id else None,
        "url": _address(alert),
        "suggested_action": alert.suggested_action or None,
        "times_before": alert.times_before,
    }


def _text(alert: Alert) -> str:
    lines = [f"Critical error in Agentsite: {alert.code}", "", alert.message]
    if alert.about:
        lines.append(f"About: {', '.join(alert.about)}")
    if alert.suggested_action:
        lines.append(f"What to do: {alert.suggested_action}")
    if address := _address(alert):
        lines.append(f"The run: {address}")
    if alert.times_before:
        lines.append(f"It happened {counted(alert.times_before, 'more time')} since it was told last.")
    lines.append("The same is not told again for an hour.")
    return "\n".join(lines)


def _address(alert: Alert) -> str | None:
    return None if alert.run_id is None else settings.AGENTSITE_URL + reverse("runs:run", args=[alert.run_id])
