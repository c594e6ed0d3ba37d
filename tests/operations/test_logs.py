"""Log lines of a site at work: which run, one line each, no secrets."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings

from agentsite import logs
from agentsite import stderr_redaction as stderr
from agentsite.logs import JsonLineFormatter, OneLineFormatter
from runs.agent import tool
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.redaction.redactor import Redactor
from tests.engine.conftest import ada, assistant, ended, host_for, launch  # noqa: F401  (fixtures)
from tests.operations.asking import wait_for_statuses
from tests.visitor import Visitor

LINE = "%(levelname)s %(name)s%(about)s: %(message)s"
FORGED = "broken\n2026-01-01 00:00:00 ERROR runs: forged \x1b[31m\u2028\u202e"
SECRET = 'hunter2"and-more'


@contextmanager
def written_by(formatter: logging.Formatter, logger: str = "runs") -> Iterator[io.StringIO]:
    """A buffer that receives what a handler with this formatter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.getLogger(logger).addHandler(handler)
    try:
        yield stream
    finally:
        logging.getLogger(logger).removeHandler(handler)


@tool(effect="pure")
def break_in_a_thread(how: str) -> str:
    """Log a warning and raise `RuntimeError`, in a thread of a tool."""
    logging.getLogger("runs.tools.mine").warning("I break now: %s", how)
    raise RuntimeError(how)


@pytest.mark.parametrize("format_", ["line", "json"])
async def test_whatever_is_logged_while_a_run_is_worked_on_says_which_run(host_for, ada, format_):  # noqa: F811
    call = ModelReply(calls=(ToolRequest("break_in_a_thread", {"how": FORGED}),))
    host_for(ScriptedModel(call, answers("I could not."), call, answers("I could not.")))

    with written_by(JsonLineFormatter() if format_ == "json" else OneLineFormatter(LINE)) as written:
        runs = [await ended(await launch(ada)) for _ in range(2)]

    lines = [line for line in written.getvalue().splitlines() if "    | " not in line]
    for run in runs:
        about = [line for line in lines if str(run.pk) in line]
        assert len(about) == 3, lines  # the tool's own, its failure, and the alert
        if format_ == "json":
            assert [json.loads(line)["run"] for line in about] == [str(run.pk)] * 3
            assert "RuntimeError" in json.loads(about[1])["traceback"]
        else:
            assert about[0].startswith(f"WARNING runs.tools.mine [run {run.pk}]: I break now: broken\\n2026")
    assert len(lines) == 6, "one line for each record"


def record_of(error: Exception | None = None, **extra: object) -> logging.LogRecord:
    """A log record with forged text in its message, its error and its extra fields."""
    exc_info = (type(error), error, None) if error else None
    record = logging.LogRecord("runs", logging.ERROR, __file__, 1, "task %s", (FORGED,), exc_info)
    record.__dict__.update(extra)
    return record


def test_no_line_of_a_traceback_can_look_like_a_record():
    first, *rest = OneLineFormatter(LINE).format(record_of(ValueError(FORGED))).split("\n")

    assert first.startswith("ERROR runs: task broken\\n2026")
    assert len(rest) == 2
    assert all(line.startswith("    | ") for line in rest)
    assert not {"\x1b", "\u2028", "\u202e", "\r"} & set("".join(rest))


def test_a_json_record_is_one_line_of_ascii_whatever_is_in_it():
    text = JsonLineFormatter().format(record_of(ValueError(FORGED), request=object(), status_code=500))

    assert text.isascii() and "\n" not in text and "\x1b" not in text
    told = json.loads(text)
    assert told["message"] == f"task {FORGED}"
    assert (told["level"], told["logger"], told["status_code"]) == ("ERROR", "runs", 500)
    assert told["request"] == "<object>", "nothing that is not JSON shows what is in it"


@pytest.mark.parametrize("formatter", [OneLineFormatter(LINE), JsonLineFormatter()])
def test_secrets_are_hidden_in_messages_arguments_tracebacks_and_extras(formatter, monkeypatch):
    monkeypatch.setattr(logs, "redactor", lambda: Redactor([SECRET]))
    error = ValueError(f"cannot sign in with {SECRET}")
    exc_info = (type(error), error, None)
    words = "sent %s with sk-abcdefgh12345678 to postgres://ada:pa55word@db/x"
    record = logging.LogRecord("runs", logging.ERROR, __file__, 1, words, (SECRET,), exc_info)
    record.api_key = "plain"

    text = formatter.format(record)

    assert "hunter2" not in text and "sk-abcdefgh" not in text and "pa55word" not in text
    assert text.count("[hidden]") >= 4
    assert '"plain"' not in text


def test_a_server_logs_json_when_it_is_told_to_and_hides_its_keys(start_site):
    site = start_site(
        AGENTSITE_LOG_FORMAT="json", AGENTSITE_LOG_LEVEL="DEBUG", AGENTSITE_METRICS_TOKEN="canary-3f9c1d7e55aa"
    )
    site.create_user("ada")
    with Visitor(site.url, session=site.session_of("ada")) as visitor:
        run_id = visitor.launch("What is 17 * 23?")
        visitor.get("/canary-3f9c1d7e55aa/")
    wait_for_statuses(site, "completed")
    assert site.stop() == 0

    records = [json.loads(line) for line in site.log.read_text().splitlines()]

    assert [record["message"].split(".")[0] for record in records if record.get("run") == run_id] == ["Agent finished"]
    assert "canary" not in site.log.read_text()


def test_log_and_standard_error_hide_the_same_secrets_with_one_list_of_them(monkeypatch):
    made: list[Redactor] = []
    build = Redactor.__init__

    def noted(self: Redactor, *secrets: Any) -> None:
        made.append(self)
        build(self, *secrets)

    monkeypatch.setattr(Redactor, "__init__", noted)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    logs.redactor.cache_clear()
    warnings_were_logged = logging._warnings_showwarning is not None  # type: ignore[attr-defined]

    stderr.keep_secrets_off_stderr()
    sys.stderr.write(f"a {settings.SECRET_KEY} b")
    told = sys.stderr.getvalue()
    line = OneLineFormatter(LINE).format(record_of(key=1))
    logging.captureWarnings(capture=warnings_were_logged)

    assert told == "a [hidden] b" and line
    assert len(made) == 1
