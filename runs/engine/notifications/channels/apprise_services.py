"""Messages by Apprise: a hundred messengers and services, each by an address such as `ntfy://…` or `slack://…`.

Only services over HTTP are allowed, by name: others run programs, read files, or speak to any port. What an allowed one
connects to is checked at the connection: the public internet, and hosts that the site's settings name for webhooks.
"""

import logging
import threading
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl

from django.conf import settings

from runs.agent.output_text import without_markup
from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.worker_threads import call_in_thread
from runs.agent.wording import Wording
from runs.engine.notifications.channels import ChannelFailed, Sendable, SentReceipt
from runs.engine.notifications.channels.guarded_connections import Guard

if TYPE_CHECKING:
    from apprise import NotifyBase

CONNECT_LIMIT_S: Final = 4.0
READ_LIMIT_S: Final = 8.0
"""Of one read."""
SEND_LIMIT_S: Final = 12.0
"""For all requests of a message: an address can name many receivers, and each can answer by the byte."""
LEAST_SECRET_CHARS: Final = 4
"""A shorter part of an address, such as a topic of one letter, is not hidden in what the library says: it stands in
many words."""
MOST_SCHEME_CHARS: Final = 30
MOST_PARAMETERS: Final = 50
REFUSED_PARAMETERS: Final = frozenset({"template", "keyfile", "key", "cert", "subfile", "pgpkey", "format", "overflow"})
"""Of an address: some name files of this machine, the others change what is sent."""
_SEPARATORS: Final = str.maketrans(dict.fromkeys("/?&=:@", " "))
_TYPES: Final = {"info": "info", "success": "success", "warning": "warning", "error": "failure"}


def scheme_of(address: str) -> str:
    """The name of the service, in lower case; empty if the address has none."""
    scheme, mark, _rest = address.partition("://")
    return scheme.lower() if mark and len(scheme) <= MOST_SCHEME_CHARS and scheme.isalnum() else ""


def shown_apprise(address: str) -> str:
    """The address as pages show it: its service and its length."""
    return f"{scheme_of(address)}://… ({len(address)})"


def apprise_fault(address: str) -> Wording | None:
    """Why this site does not send there; None if it does. Nothing is sent."""
    scheme = scheme_of(address)
    if not scheme or not address.isprintable() or " " in address:
        return Wording("Type an address of Apprise, such as ntfy://ntfy.sh/my-topic.")
    if scheme not in settings.AGENTSITE_APPRISE_SERVICES:
        return Wording(
            "This site does not send to %(service)s. Its settings name the services that it sends to.", service=scheme
        )
    query = address.partition("?")[2]
    named = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)}
    if refused := named & REFUSED_PARAMETERS:
        return Wording("The parameter %(name)s is not taken.", name=min(refused))
    if _service_at(address) is None:
        return Wording("This is no complete address of %(service)s.", service=scheme)
    return None


class AppriseChannel:
    """Sends over the services of Apprise."""

    async def send(self, address: str, message: Sendable) -> SentReceipt:
        """Send it once. Raises `ChannelFailed`."""
        if (fault := apprise_fault(address)) is not None:
            raise ChannelFailed(str(fault))
        # In a thread of its own: few threads for all would let slow services of one person hold up everybody's.
        told = await call_in_thread(_send, address=address, message=message)
        if told is not None:
            raise ChannelFailed(told or "The service did not take it.")
        return SentReceipt()


def _send(address: str, message: Sendable) -> str | None:
    """Send the message. None if the service took it, else what went wrong, without the parts of the address."""
    service = _service_at(address)
    if service is None:
        return "This is no complete address."
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_LIMIT_S, READ_LIMIT_S
    # Their name for what a connection has to wait at least since the last one: an object sends one message only.
    service.request_rate_per_sec = 0
    lines = _lines_of(message)
    with Guard(SEND_LIMIT_S) as guard, _Heard() as heard:
        is_taken = service.notify(
            body="\n".join(lines),
            title=without_markup(message.title),
            notify_type=_TYPES[message.severity],
            body_format="text",
        )
    if is_taken:
        return None
    parts = [each for each in address.translate(_SEPARATORS).split() if len(each) >= LEAST_SECRET_CHARS]
    return " ".join(guard.words) or Redactor(parts).text(" ".join(heard.lines))[-400:]


def _lines_of(message: Sendable) -> list[str]:
    """The body. Many services read markup, each its own: texts of tasks, models and tools have none, and our addresses
    stand by themselves."""
    lines = [without_markup(message.text)] if message.text else []
    for each in message.decisions:
        lines.append(without_markup(each.question or f"{each.tool_name} {each.arguments}"))
        if each.url:
            lines.append(each.url)
    if message.url:
        lines.append(message.url)
    return lines or [without_markup(message.title)]


def _service_at(address: str) -> "NotifyBase | None":
    from apprise import Apprise, AppriseAsset  # Here: it takes most of a second to import, and few sites use it.

    # Nothing is kept in files, and no other address is loaded.
    asset = AppriseAsset(secure_logging=True, app_id="Agentsite", app_desc="Agentsite", app_url="")
    found: Any = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    return found or None


class _Heard(logging.Handler):
    """Hears what the library logs in this thread, which is its only word on a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())
