"""Messages by e-mail, over the mail server of the site's settings."""

import asyncio
import smtplib
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import cached_property

from runs.engine.notifications.channels import ChannelFailed, Sendable, SentReceipt

MOST_AT_ONCE: Final = 8
"""Connections to the mail server."""
MAX_SUBJECT_CHARS: Final = 150
NO_SUCH_MAILBOX: Final = (550, 551, 553)
"""Replies to a recipient that will not change."""
_FORMS: Final = ("txt", "html")


class EmailChannel:
    """Sends mail. An address is that of a mailbox."""

    async def send(self, address: str, message: Sendable) -> SentReceipt:
        """Send it once. Raises `ChannelFailed`; permanent if the mail server knows no such mailbox."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, _send, address, message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = next(iter(refused.recipients.values()), (0, b""))
            raise ChannelFailed(_said(code, words), is_permanent=code in NO_SUCH_MAILBOX) from refused
        except smtplib.SMTPResponseException as refused:
            raise ChannelFailed(_said(refused.smtp_code, refused.smtp_error)) from refused
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelFailed(f"The mail server cannot be used: {str(error) or type(error).__name__}") from error
        return SentReceipt()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """Of their own: a mail server that hangs holds nothing else up. Each connection has a limit of its own."""
        return ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="agentsite-mail")


def mail_of(address: str, message: Sendable) -> EmailMultiAlternatives:
    """The mail: a plain text, and the same as HTML."""
    subject = " ".join(message.title.split())[:MAX_SUBJECT_CHARS]
    with translation.override(message.language):
        plain, markup = (
            render_to_string(f"notifications/mail.{kind}", {"message": message}) for kind in ("txt", "html")
        )
    headers = {
        "Message-ID": f"<{message.message_id}@{_domain()}>",
        # Sent by a program: nobody's holiday notice answers it (RFC 3834).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if message.settings_url:
        headers["List-Unsubscribe"] = f"<{message.settings_url}>"
    mail = EmailMultiAlternatives(subject, plain, settings.DEFAULT_FROM_EMAIL, [address], headers=headers)
    mail.attach_alternative(markup, "text/html")
    return mail


def _send(address: str, message: Sendable) -> None:
    mail_of(address, message).send()


def _domain() -> str:
    """That of the sender, of which the ids of messages are."""
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return sender.rpartition("@")[2] or "localhost"


def _said(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"The mail server answered {code} {text}".strip()
