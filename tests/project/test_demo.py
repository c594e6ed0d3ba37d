"""The demo starts without a key and a network, and its runs show what a newcomer should see."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.live_site import ROOT, LiveSite, clean_environment, copy_data
from tests.operations.asking import get, wait_for_statuses

LOOK = """
import json
from runs.models import Run
print(json.dumps([{
    "task": run.task, "status": run.status, "waiting_for": run.waiting_for, "answer": run.answer,
    "kinds": sorted(set(run.steps.values_list("kind", flat=True))),
    "tools": sorted(set(run.calls.values_list("tool_name", flat=True))),
    "files": [file.name for file in run.artifacts.all()],
    "parent": run.parent_call and run.parent_call.run.task, "agent": run.agent and run.agent.name,
    "questions": [question.text for call in run.calls.all() for question in call.questions.all()],
} for run in Run.objects.order_by("created_at")]))
"""
BELONGINGS = """
import json
from runs.models import AlertRule, Delivery, NotificationRule, WebhookEvent
deliveries = Delivery.objects.order_by("pk").select_related("run")
print(json.dumps({
    "deliveries": [each.state for each in deliveries],
    "answer": deliveries.last().run.answer,
    "told": [each.state for each in WebhookEvent.objects.filter(type="run.completed")],
    "rules": [each.name for each in NotificationRule.objects.order_by("name")],
    "alerts": [each.name for each in AlertRule.objects.order_by("name")],
}))
"""
PASSWORD = "a good long password"
ERRORS = "errors.log"
ENDED = ["completed", "completed", "waiting", *["completed"] * 4, "waiting", *["completed"] * 4]


@pytest.fixture
def demo(prepared_data: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo on a free port, once it can be signed in to. Its tables are there: making them is tried elsewhere."""
    environment = clean_environment(copy_data(prepared_data, tmp_path / "data"), {"PORT": "0"})
    command = [sys.executable, "-m", "examples.demo"]
    with (tmp_path / ERRORS).open("w") as errors:
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    yield started
    started.send_signal(signal.SIGINT)
    started.wait(60)
    assert started.stdout is not None
    started.stdout.close()


def line_with(demo: subprocess.Popen[str], words: str) -> str:
    assert demo.stdout is not None
    return next(line for line in demo.stdout if words in line)


def post(link: str, **fields: str) -> tuple[int, str]:
    """Status and body of the answer to a form, sent with the token of its page."""
    with httpx2.Client() as browser:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(link).text)
        assert token is not None
        answer = browser.post(link, data=fields | {"csrfmiddlewaretoken": token[1]})
        return answer.status_code, answer.text


def wait_for_belongings(site: LiveSite) -> dict[str, Any]:
    """What belongs to the first account, once its webhook has told of the run."""
    for _ in range(20):
        found: dict[str, Any] = json.loads(site.ask(BELONGINGS))
        if found["told"] == ["delivered"]:
            break
    return found


def test_the_demo_shows_tools_files_an_approval_a_question_a_retry_a_race_a_script_a_message_and_sub_agents(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    link = line_with(demo, "Sign in: ").removeprefix("Sign in: ").strip()
    assert get(link)[0] == 200
    site = LiveSite(tmp_path / "data", {})
    wait_for_statuses(site, *ENDED)
    runs = {each["task"]: each for each in json.loads(site.ask(LOOK))}

    sales = runs["Which region sells most? Draw it, too."]
    assert sales["answer"].startswith("**East** sells most: 27,391.70 dollars in 90 orders.")
    assert sales["files"] == ["sales-by-region.svg"]
    assert runs["Refund order A-1001: the customer has sent it back."]["waiting_for"] == "approval"
    assert "retry" in runs["How many desk lamps are in stock?"]["kinds"]
    assert "race" in runs["Say hello as fast as you can."]["kinds"]
    assert runs["How long may a customer take to send something back?"]["answer"].endswith("[refunds.md, lines 1-5]")
    script = runs["Compare the stock of three products with a script."]
    assert (script["tools"], "Envelopes: 900" in script["answer"]) == (["run_python", "stock_level"], True)

    steered = runs["How many office chairs can be sent today?"]
    assert (steered["answer"], "message" in steered["kinds"]) == (
        "35 office chairs and 900 envelopes are in stock.",
        True,
    )

    parcel = runs["Send a parcel to Old Mill."]
    assert (parcel["waiting_for"], parcel["questions"]) == ("answer", ["How shall it be sent?"])
    plan = "Old Mill wants other chairs instead of its order A-1002: is that possible?"
    children = {each["agent"]: each["answer"] for each in runs.values() if each["parent"] == plan}
    assert set(children) == {"Demo: handbook", "Demo: clerk"}
    assert children["Demo: clerk"] == "35 office chairs are in stock."
    assert children["Demo: handbook"].endswith("[refunds.md, lines 1-5] The order is of Old Mill.")
    assert all(answer in runs[plan]["answer"] for answer in children.values())

    status, _ = post(link, username="ada", password1=PASSWORD, password2=PASSWORD)
    wait_for_statuses(site, *ENDED, "completed")
    belongings = wait_for_belongings(site)
    assert status == 302
    assert belongings == {
        "deliveries": ["filtered", "launched"],
        "answer": "`189 * 12` = **2268**",
        "told": ["delivered"],
        "rules": ["What goes wrong", "What waits for a person"],
        "alerts": ["A run waits for a person", "Many runs fail"],
    }

    site.manage("alerts", "evaluate")
    assert "A run waits for a person" in site.manage("alerts", "list", "--raised").stdout

    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert "Traceback" not in (tmp_path / ERRORS).read_text()
