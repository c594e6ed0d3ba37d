"""`manage.py run_agent`: its output, its exit codes, and the host of its run."""

import json
import os
import pty
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from runs.agent.tools.person_questions import PersonQuestion
from runs.agent.unfinished_thought import unfinished_thought
from runs.management.commands.run_agent import RunPrinter, who_decides
from runs.management.terminal_approvals import ask_about
from runs.models import Agent, Run, Step
from runs.models.as_json import step_as_json
from tests import site_process
from tests.asked_questions import asked_question
from tests.live_site import LiveSite, clean_environment, copy_data, manage
from tests.site_process import Process
from tests.wire import Hang, WireServer

RUN_KEYS = [
    "id", "task", "status", "could_not", "waiting_for", "agent", "version", "draft", "template", "inputs",
    "schedule_id", "trigger_id",
    "parent_id", "parent_call_id", "root_id", "thread_id", "continues_id", "answer", "output", "error", "steps_taken",
    "tokens_used", "usage_is_estimated", "cost", "created_at", "started_at", "ended_at",
]  # fmt: skip
STEP_KEYS = [
    "sequence", "turn", "kind", "content", "tool_name", "call_id", "tool_input", "tool_output", "attempt",
    "max_attempts", "severity", "recoverable", "suggested_action", "provider", "model", "lane", "tokens", "cost",
    "started_at", "ended_at", "metadata",
]  # fmt: skip

TRIP = {"type": "object", "properties": {"nights": {"type": "integer"}}, "required": ["nights"]}


@pytest.fixture
def make_run(assistant: Agent) -> Any:
    """A run of the command line in that state."""

    def make(status: str, **fields: Any) -> Run:
        ended_at = timezone.now() if status in Run.FINAL else None
        return Run.objects.create(agent=assistant, task="Do it.", status=status, ended_at=ended_at, **fields)

    return make


@pytest.fixture
def data(prepared_data: Path, tmp_path: Path) -> Path:
    """A data folder of this test's own."""
    return copy_data(prepared_data, tmp_path / "data")


@pytest.mark.parametrize(
    ("in_the_way", "said"),
    [("host.lock", "cannot write to {data} (Is a directory)"), ("agentsite.sqlite3", "cannot use the database {data}")],
)
def test_a_data_folder_that_cannot_be_used_is_one_line_and_exit_code_2(tmp_path, in_the_way, said):
    # A folder where a file should be: root, who may write everywhere, is refused too.
    (tmp_path / "data" / in_the_way).mkdir(parents=True)

    result = manage("run_agent", "1+1", data=tmp_path / "data")

    assert (result.returncode, result.stdout) == (2, "")
    assert said.format(data=tmp_path / "data") in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_database_that_can_only_be_read_is_one_line_and_exit_code_2(data):
    # A trigger, because root may write read-only files.
    with closing(sqlite3.connect(data / "agentsite.sqlite3")) as database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON runs_run BEGIN SELECT RAISE(FAIL, 'attempt to write'); END"
        )

    result = manage("run_agent", "1+1", data=data)

    assert (result.returncode, result.stdout) == (2, "")
    assert f"cannot use the database {data}/agentsite.sqlite3 (attempt to write)" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def add_step(run: Run, content: str, **fields: Any) -> Step:
    """The run's first step."""
    return Step.objects.create(run=run, sequence=1, epoch=1, kind="note", content=content, **fields)


@pytest.mark.parametrize(
    ("status", "waiting_for", "code"),
    [
        ("completed", "", 0),
        ("failed", "", 1),
        ("cancelled", "", 130),
        ("waiting", "decision", 3),
        ("waiting", "approval", 3),
        ("waiting", "resume", 3),
    ],
)
def test_the_exit_code_says_how_the_run_stands(make_run, status, waiting_for, code):
    run = make_run(status, waiting_for=waiting_for)

    assert RunPrinter(run, as_json=False).follow() == code


def test_a_task_that_could_not_be_done_completes_and_is_told_beside_the_answer(data):
    result = manage("run_agent", "Plan a three day trip to Lisbon", data=data)

    assert result.returncode == 0
    assert "could not do “Plan a three day trip to Lisbon”" in result.stdout
    assert "Could not do it: the answer says why." in result.stderr


def test_further_lines_are_indented_and_nothing_reaches_the_terminal_as_a_command(make_run, capsys):
    run = make_run("completed")
    add_step(run, "One\nTwo\x1b[31m")

    RunPrinter(run, as_json=False).follow()

    assert capsys.readouterr().out == "[note] One\n  Two␛[31m\n"


def test_a_reply_that_was_not_finished_is_printed_as_one(make_run, capsys):
    run = make_run("cancelled")
    told = unfinished_thought("The tide\ncomes", "", why="stopped", goes_on=False)
    add_step(run, told.content, metadata=told.metadata)

    RunPrinter(run, as_json=False).follow()

    assert capsys.readouterr().out == "[note] Unfinished reply (stopped): The tide\n  comes\n"


def test_as_json_every_line_is_a_step_and_the_last_one_is_the_run(make_run, capsys):
    run = make_run("completed", next_sequence=2, answer="45")
    step = add_step(run, "Half of it.", metadata={"note": "resumed"})

    RunPrinter(run, as_json=True).follow()

    first, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert first == step_as_json(step)
    assert list(first) == STEP_KEYS
    assert list(last) == RUN_KEYS
    assert (last["id"], last["status"], last["answer"], last["cost"]) == (str(run.pk), "completed", "45", None)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([" "], "A run needs a task."),
        (["Do it.", "--agent", "Nobody"], "There is no agent 'Nobody'. Agents: 'Assistant'."),
        (["Do it.", "--model", "nonsense"], "Unknown model 'nonsense'"),
        (["Do it.", "--user", "nobody"], "There is no user 'nobody'."),
    ],
)
def test_bad_arguments_launch_nothing_and_exit_with_2(assistant, arguments, reason):
    with pytest.raises(CommandError, match=re.escape(reason)) as refused:
        call_command("run_agent", *arguments)

    assert refused.value.returncode == 2
    assert not Run.objects.exists()


def test_a_thread_goes_on_from_its_newest_run_whichever_of_its_runs_is_named(data):
    manage("run_agent", "What is 17 * 23?", "--json", data=data)
    first = json.loads(manage("run_agent", "What is 11 * 11?", "--json", data=data).stdout.splitlines()[-1])

    second = manage("run_agent", "add 10 to it", "--thread", first["id"], "--json", data=data)
    second = json.loads(second.stdout.splitlines()[-1])
    third = manage("run_agent", "double that", "--thread", second["id"], "--json", data=data)
    fourth = manage("run_agent", "double that", "--thread", first["id"], "--json", data=data)

    runs = [second, *(json.loads(each.stdout.splitlines()[-1]) for each in (third, fourth))]
    assert [run["answer"].split()[-1] for run in runs] == ["**131**", "**262**", "**524**"]
    assert {run["thread_id"] for run in runs} == {first["id"]}


def test_a_thread_that_cannot_go_on_exits_with_2(assistant, make_run):
    going, stranger = make_run("idle"), User.objects.create_user("stranger")

    for arguments, reason in (
        (["--thread", str(uuid4())], "There is no thread"),
        (["--thread", str(going.pk)], "The run has not ended yet."),
        (["--thread", str(going.pk), "--user", stranger.username], "There is no thread"),
        (["--thread", str(going.pk), "--template", "Assistant/Essay"], "give --template or --thread"),
    ):
        with pytest.raises(CommandError, match=re.escape(reason)) as refused:
            call_command("run_agent", "More.", *arguments)
        assert refused.value.returncode == 2
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--max-turns", "0"], "argument --max-turns: It must be a whole number from 1 to 1,000, not '0'."),
        (["--max-seconds", "1.5"], "argument --max-seconds: It must be a whole number from 1 to 86,400, not '1.5'."),
        (["--max-cost-usd", "nan"], "It must be an amount of US dollars from 0.0001 to 100,000, not 'nan'."),
        (["--idle-timeout-s", "soon"], "It must be a number of seconds from 0.1 to 3,600, not 'soon'."),
    ],
)
def test_a_limit_that_cannot_be_launches_nothing(assistant, arguments, reason):
    with pytest.raises(CommandError, match=re.escape(reason)):
        call_command("run_agent", "Do it.", *arguments)

    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--max-turns", "max_turns: 1 of 1 turns."),
        ("--max-calls", "max_calls: 0 of 1 tool calls, and the next reply asks for 2."),
    ],
)
def test_a_limit_on_the_command_line_takes_the_place_of_the_agents(data: Path, option: str, words: str):
    result = manage("run_agent", "What is 17 * 23 and what is 2**10?", option, "1", data=data)

    assert result.returncode == 1, result.stderr
    assert f"[error] The run reached its limit {words}" in result.stdout


def test_a_run_is_hosted_by_the_command_itself_which_prints_its_steps_and_nothing_else(data: Path):
    result = manage("run_agent", "What is 17 * 23?", data=data)

    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert all(re.match(r"\[\w+\] |  ", line) for line in lines)
    assert lines[1:3] == ["[tool_call] calculator(expression='17 * 23')", "[tool_result] 391"]
    assert lines[-1] == "[answer] `17 * 23` = **391**"


def test_beside_a_server_the_command_follows_the_servers_run(live_site: LiveSite):
    result = live_site.manage("run_agent", "half of 90")

    assert result.returncode == 0, result.stderr
    assert "A server hosts runs here" in result.stderr
    assert "45" in result.stdout.splitlines()[-1]


@pytest.fixture
def command(data: Path, wire_server: WireServer, tmp_path: Path) -> Iterator[Process]:
    """The command in the middle of its run, waiting for a model that sends nothing."""
    wire_server.script(Hang())
    endpoints = [{"name": "local", "kind": "openai", "base_url": wire_server.base_url, "models": ["m1"]}]
    environment = {"AGENTSITE_DATA": str(data), "AGENTSITE_ENDPOINTS": json.dumps(endpoints)}
    with (tmp_path / "errors").open("w") as errors:
        process = site_process.start(["run_agent", "Do it.", "--model", "local/m1"], environment, stderr=errors)
    assert process.stdout is not None
    with process.stdout:
        wire_server.wait_for_requests(1, timeout_s=60)
        yield process
        process.kill()
        process.wait(60)


def status_in(data: Path) -> str:
    """The status of the only run there."""
    code = "from runs.models import Run; print(Run.objects.get().status)"
    return manage("shell", "--no-imports", "-c", code, data=data).stdout.strip()


def test_ctrl_c_stops_the_run_and_exits_with_130(command: Process, data: Path):
    command.send_signal(signal.SIGINT)
    code, printed = command.wait(60), command.stdout.read()

    assert code == 130
    assert [line.split(" ")[0] for line in printed.splitlines()] == ["[note]", "[note]"]
    assert "asked to stop" in printed
    assert status_in(data) == "cancelled"


def test_sigterm_lets_go_of_the_run_so_that_another_host_can_go_on(command: Process, data: Path):
    command.terminate()

    assert command.wait(60) == 143
    assert status_in(data) == "idle"


@pytest.mark.parametrize(("typed", "status", "line"), [("x\ny\n", 0, "[answer]"), ("n\n", 0, "[tool_result]")])
def test_the_person_at_the_terminal_is_asked_about_each_call(data, typed, status, line):
    ask = "from runs.models import Agent; Agent.objects.update(approval='always')"
    assert manage("shell", "--no-imports", "-c", ask, data=data).returncode == 0
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())  # The terminal keeps it until it is read.

    with os.fdopen(theirs, "rb", buffering=0) as terminal:
        environment = clean_environment(data, None)
        process = site_process.start(["run_agent", "What is 17 * 23?"], environment, stdin=terminal, stderr=terminal)
    code = site_process.end_of(process, limit_s=60)
    with process.stdout:
        told = process.stdout.read()
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert code == status
    assert "Run calculator(expression='17 * 23') [pure]? y/n" in shown
    assert line in told
    assert ("391" in told) == typed.endswith("y\n")


@pytest.mark.parametrize(
    ("question", "typed", "answer", "told"),
    [
        (PersonQuestion(text="Where?"), ["", "Here."], "Here.", "The answer is a text, and not empty."),
        (
            PersonQuestion(text="Which?", choices=("red", "blue")),
            ["3", "2"],
            "blue",
            "The answer is one of: red, blue.",
        ),
        (PersonQuestion(text="How?", form=TRIP), ["two", '{"nights": 2}'], {"nights": 2}, "This is not JSON"),
    ],
    ids=["text", "choice", "form"],
)
def test_the_person_at_the_terminal_answers_questions_until_an_answer_fits(
    make_run, capsys, question, typed, answer, told
):
    asked = asked_question(make_run("thinking", owner="here"), question)
    lines = iter(typed)

    ask_about(asked.call.run, lambda _: next(lines))

    asked.refresh_from_db()
    assert (asked.answer, asked.surface, asked.call.run.status) == (answer, "terminal", "idle")
    assert told in capsys.readouterr().err


def test_without_a_terminal_a_run_that_asks_is_left_waiting(data):
    ask = "from runs.models import Agent; Agent.objects.update(approval='always')"
    assert manage("shell", "--no-imports", "-c", ask, data=data).returncode == 0

    told = manage("run_agent", "What is 17 * 23?", data=data)

    assert told.returncode == 3
    assert told.stdout.splitlines()[-1] == "[approval] Waits for approval: calculator(expression='17 * 23')"
    assert re.search(
        r"^Run [0-9a-f-]{36} waits for approval\. Decide in the Inbox of the site\.$", told.stderr, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("waiting_for", "told"),
    [
        ("approval", "waits for approval. Decide in the Inbox: https://agents.example.org/inbox/."),
        ("decision", "waits to hear whether a call happened. Decide in the Inbox: https://agents.example.org/inbox/."),
        ("answer", "waits for an answer. Decide in the Inbox: https://agents.example.org/inbox/."),
        ("resume", "is paused. Resume it on its page: https://agents.example.org/runs/{run}/."),
    ],
)
def test_where_a_person_lets_a_waiting_run_go_on_is_said_with_its_address(make_run, settings, waiting_for, told):
    settings.AGENTSITE_URL = "https://agents.example.org"
    run = make_run("waiting", waiting_for=waiting_for)

    assert who_decides(run) == f"Run {run.pk} {told.format(run=run.pk)}"


def test_an_output_that_cannot_be_written_is_one_line_and_ends_no_run(data):
    with Path("/dev/full").open("w") as full, (data / "errors").open("w") as errors:
        process = site_process.start(
            ["run_agent", "What is 17 * 23?"], clean_environment(data, None), stdout=full, stderr=errors
        )

    assert site_process.end_of(process, limit_s=60) == 0
    assert (data / "errors").read_text() == "Nothing more is printed: No space left on device. The run goes on.\n"
