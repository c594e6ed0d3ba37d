"""Critical errors reach the engineering team."""

import http.server
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.providers.scripted import ScriptedModel
from runs.agent.redaction.redactor import Redactor
from runs.engine.operations.alerts import QUIET_S, Alert, Alerts
from tests.engine.conftest import ended, launch

SECRET = "canary-3f9c1d7e55aa"


class Webhook:
    """A server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/{SECRET}"


@pytest.fixture
def webhook(settings) -> Iterator[Webhook]:
    """Alerts are posted here, and mailed to Ada."""
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever)
    thread.start()
    settings.AGENTSITE_ALERT_WEBHOOK = hook.url
    settings.ADMINS = [("Ada", "ada@example.org")]
    settings.AGENTSITE_URL = "https://agents.example.org"
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def refused() -> ModelFailure:
    message = f"Refused: the key {SECRET} is not valid."
    return ModelFailure(message, kind="auth", provider="openai", model="gpt-6-sol", status=401)


async def test_a_refused_key_is_logged_mailed_and_posted_with_the_way_to_the_run(
    host_for, ada, webhook, caplog, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    host = host_for(ScriptedModel(refused()))

    run = await ended(await launch(ada))
    assert host.services.alerts.flush(5)

    (posted,) = webhook.received
    assert (posted["code"], posted["severity"], posted["run"]) == ("model_auth", "critical", str(run.pk))
    assert posted["url"] == f"https://agents.example.org/runs/{run.pk}/"
    assert "Check the key of openai" in posted["text"]
    (sent,) = mail.outbox
    assert sent.to == ["ada@example.org"] and sent.subject.startswith("[Agentsite] model_auth: ")
    assert posted["url"] in sent.body
    assert any(record.levelno == logging.CRITICAL and "model_auth" in record.message for record in caplog.records)
    assert SECRET not in json.dumps(posted) + sent.subject + sent.body + caplog.text


def test_the_same_trouble_is_told_once_an_hour_with_how_often_it_was_kept_back(webhook):
    now = [0.0]
    alerts = Alerts(clock=lambda: now[0])

    for number in range(5):
        alerts.tell(Alert("unexpected", f"Row {number} of 'x{number}' is broken.", uuid4()))
    now[0] = QUIET_S + 1
    alerts.tell(Alert("unexpected", "Row 9 of 'x9' is broken."))

    assert alerts.flush(5)
    assert [posted["times_before"] for posted in webhook.received] == [0, 4]
    assert "4 more times" in webhook.received[1]["text"]


def test_the_message_of_a_tool_rings_for_nobody_in_a_chat(webhook):
    alerts = Alerts()

    alerts.tell(Alert("unexpected", "<!channel> @all: [Approve](http://evil.example)"))

    assert alerts.flush(5)
    (posted,) = webhook.received
    assert [sign for sign in ("<!", "@all", "](") if sign in posted["text"]] == []
    assert posted["message"] == "<!channel> @all: [Approve](http://evil.example)"


def test_another_trouble_is_told_at_once(webhook):
    alerts = Alerts()

    for about in ("openai", "anthropic"):
        alerts.tell(Alert("model_auth", "The key is not valid.", about=(about,)))

    assert alerts.flush(5)
    assert [posted["about"] for posted in webhook.received] == [["openai"], ["anthropic"]]


def test_a_webhook_that_fails_harms_nobody_and_its_address_stays_secret(webhook, caplog):
    webhook.status = 500
    alerts = Alerts(Redactor({SECRET}))

    alerts.tell(Alert("unexpected", "Broken."))
    alerts.tell(Alert("poison", f"Lost with {SECRET}."))

    assert alerts.flush(5)
    assert len(webhook.received) == 2 and len(mail.outbox) == 2
    assert "An alert could not be sent (_send_webhook, HTTPError)." in caplog.text
    assert SECRET not in caplog.text


def test_without_admins_and_webhook_it_is_in_the_log(settings, caplog):
    settings.ADMINS, settings.AGENTSITE_ALERT_WEBHOOK = [], ""

    Alerts().tell(Alert("unexpected", "Broken."))

    assert "unexpected: Broken." in caplog.text
    assert mail.outbox == []


async def test_an_error_that_is_not_critical_is_nobodys_alarm(host_for, ada, webhook):
    host = host_for(ScriptedModel(ModelFailure("No.", kind="refused", provider="p", model="m", status=400)))

    run = await ended(await launch(ada))

    assert run.status == "failed" and host.services.alerts.flush(5)
    assert webhook.received == []


@pytest.mark.parametrize("failure", [refused(), ZeroDivisionError("division by zero")], ids=["a refused key", "a bug"])
async def test_one_critical_error_is_one_line_of_the_log(host_for, ada, webhook, caplog, failure):
    host = host_for(ScriptedModel(failure))

    run = await ended(await launch(ada))
    assert host.services.alerts.flush(5)

    assert run.severity == "critical"
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.levelname for record in told] == ["CRITICAL"], [record.getMessage() for record in told]
