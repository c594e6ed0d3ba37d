"""What a mail looks like."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest

from runs.engine.notifications.channels import Decidable, Sendable
from runs.engine.notifications.channels.email import MAX_SUBJECT_CHARS, mail_of
from tests.mail_server import plain_of

MESSAGE = Sendable(
    message_id="3a1b9d52-0c4e-4b6f-8d7a-5e6f70819203",
    event="run.failed",
    title="Weekly report failed: Sales",
    text="The model server is gone.",
    url="https://agents.example.org/runs/1/",
    settings_url="https://agents.example.org/settings/notifications/",
)


@pytest.fixture(autouse=True)
def sender(settings: Any) -> None:
    """The site's own address."""
    settings.DEFAULT_FROM_EMAIL = "Agentsite <agentsite@example.org>"


def sent(message: Sendable) -> EmailMessage:
    """The mail as it is on its way."""
    raw = mail_of("ada@example.org", message).message().as_bytes()
    return message_from_bytes(raw, policy=policy.default)


def test_a_mail_says_it_all_and_that_a_program_has_sent_it() -> None:
    mail = sent(MESSAGE)

    assert mail["Subject"] == MESSAGE.title
    assert mail["From"] == "Agentsite <agentsite@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == f"<{MESSAGE.settings_url}>"
    assert mail["Message-ID"] == f"<{MESSAGE.message_id}@example.org>"
    assert MESSAGE.text in plain_of(mail) and MESSAGE.url in plain_of(mail)


def test_a_title_with_line_ends_makes_no_header() -> None:
    mail = sent(replace(MESSAGE, title="Failed\r\nBcc: eve@example.org\n\nHello " + "x" * 1000))

    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Failed Bcc: eve@example.org Hello xx")
    assert len(mail["Subject"]) == MAX_SUBJECT_CHARS


def test_what_models_wrote_is_no_markup() -> None:
    call = Decidable(
        call_id=uuid4(),
        waits_for="approval",
        tool_name="<b>send",
        arguments='{"to": "<img src=x>"}',
        url="https://x/d/1/",
    )
    mail = sent(replace(MESSAGE, title="<script>", text="<i>", decisions=(call,)))

    body = mail.get_body(("html",))
    assert body is not None
    markup = body.get_content()
    assert not any(each in markup for each in ("<script", "<i>", "<b>send", "<img"))
    assert 'href="https://x/d/1/"' in markup
    assert '{"to": "<img src=x>"}' in plain_of(mail)


def test_a_mail_in_german_is_german() -> None:
    mail = sent(replace(MESSAGE, language="de"))

    body = mail.get_body(("html",))
    assert body is not None and '<html lang="de">' in body.get_content()
