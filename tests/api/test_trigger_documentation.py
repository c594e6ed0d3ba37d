"""The commands of docs/triggers.md, run in a shell against a server."""

import json
import re
import subprocess
from pathlib import Path

from tests.live_site import LiveSite

PAGE = Path(__file__).resolve().parents[2] / "docs" / "triggers.md"
MAKE = """
import json
from django.contrib.auth.models import User
from runs.engine import control
from runs.models import Agent
ada = User.objects.create_user("ada")
agent = Agent.objects.get(is_default=True)
told = {}
for scheme in ("hmac", "token"):
    said = control.TriggerSettings(
        name=scheme, agent=agent, task="Say what {{ name }} has ordered.", inputs={"name": "body.customer.name"},
        scheme=scheme,
    )
    _trigger, made = control.create_trigger(said, user=ada)
    told[scheme] = [made.token, made.secret]
print(json.dumps(told))
"""


def test_the_commands_of_the_page_launch_runs(live_site: LiveSite):
    made = json.loads(live_site.ask(MAKE))
    blocks = [each for each in re.findall(r"```bash\n(.*?)```", PAGE.read_text(), flags=re.DOTALL) if "curl" in each]
    schemes = ["hmac" if "openssl" in each else "token" for each in blocks]

    answers = []
    for block, scheme in zip(blocks, schemes, strict=True):
        token, secret = made[scheme]
        environment = {"ADDRESS": f"{live_site.url}/hooks/{token}", "SECRET": secret, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["bash", "-c", block], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        answers.append(json.loads(done.stdout))

    assert schemes == ["hmac", "token"]
    assert [each["state"] for each in answers] == ["launched", "launched"]


def test_the_example_that_a_page_shows_launches_a_run(live_site: LiveSite):
    code = """
from django.contrib.auth.models import User
from runs.models import Agent
from runs.web.trigger_examples import example_of
from tests.trigger_senders import SECRETS, make_trigger
ada = User.objects.create_user("ada")
for scheme, more in (("github", {}), ("hmac", {}), ("token", {})):
    trigger, token = make_trigger(ada, scheme, task="{{ text }}", inputs={"text": "body.text"})
    print(example_of(trigger, "ADDRESS/hooks/" + token, SECRETS[scheme]), end="\\0")
"""
    examples = live_site.ask(code).strip("\0\n").split("\0")

    states = []
    for example in examples:
        command = example.replace("ADDRESS", live_site.url).replace("It's", "It'\\''s").replace("curl ", "curl -s ")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=True)
        states.append(json.loads(done.stdout)["state"])

    assert states == ["launched"] * 3
