"""A mail server for tests, on 127.0.0.1, in a thread of its own: it keeps what it gets and answers as told."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

SOON_S = 30.0


@dataclass
class MailServer:
    """Takes every mail, unless it has other replies to give."""

    replies: list[str] = field(default_factory=list)
    """To the next mails, instead of `250 OK`."""
    to_recipients: list[str] = field(default_factory=list)
    """To the next recipients."""
    received: list[EmailMessage] = field(default_factory=list)
    port: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> Self:
        is_up = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=[is_up], name="mail-server", daemon=True)
        self._thread.start()
        assert is_up.wait(SOON_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SOON_S)

    def _serve(self, is_up: threading.Event) -> None:
        # The controller of aiosmtpd takes no port of the system's choice.
        made = self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0)
        server = self._loop.run_until_complete(made)
        self.port = server.sockets[0].getsockname()[1]
        is_up.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """The reply to a recipient."""
        if self.to_recipients:
            return self.to_recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep a mail, or refuse it."""
        if self.replies:
            return self.replies.pop(0)
        mail = message_from_bytes(cast(bytes, envelope.content), policy=policy.default)
        with self._changed:
            self.received.append(mail)
            self._changed.notify_all()
        return "250 OK"

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until it is so; looked at after each mail, and now and then."""
        with self._changed:
            for _ in range(int(SOON_S / 0.05)):
                if is_so():
                    return
                self._changed.wait(0.05)
        raise AssertionError(f"Not so within {SOON_S:g} s; {len(self.received)} mails came.")


def plain_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
