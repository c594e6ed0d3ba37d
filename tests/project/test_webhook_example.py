"""The receiver in docs/webhooks.md, run as it stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from runs.agent.redaction.redactor import Redactor
from runs.agent.tools.web.host_rules import HostRules
from runs.engine.webhooks.request import Told, tell
from runs.engine.webhooks.signing import new_secret
from tests.site_ports import KeptPorts

DOCS = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
SECRET = new_secret()


class Example:
    """The process of the example."""

    def __init__(self, port: int) -> None:
        (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)
        environment = os.environ | {"WEBHOOK_SECRET": SECRET, "PORT": str(port)}
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    @property
    def output(self) -> IO[str]:
        """What it prints."""
        assert self.process.stdout is not None
        return self.process.stdout

    async def told(self, message_id: str, *, secret: str = SECRET) -> Told:
        """What came of an event, once the example listens."""
        url, rules = f"http://127.0.0.1:{self.port}/", HostRules(frozenset({("127.0.0.1", self.port)}))
        body = '{"type":"run.completed","data":{"url":"/runs/1/"}}'
        while True:
            told = await tell(url, message_id, body, [secret], rules=rules, redactor=Redactor())
            if told.outcome != "connection":
                return told
            assert self.process.poll() is None, "The example has ended."


@pytest.fixture
def example() -> Iterator[Example]:
    """The example, which has been started."""
    started = Example(KeptPorts().take())
    yield started
    started.process.kill()
    started.process.wait()
    started.output.close()


async def test_the_receiver_of_the_documentation_takes_an_event_once_and_refuses_what_is_not_signed(
    example: Example,
) -> None:
    first, again = await example.told("evt_1"), await example.told("evt_1")
    forged = await example.told("evt_2", secret=new_secret())
    await example.told("evt_3")
    example.process.kill()
    printed = example.output.read()

    assert (first.status, again.status, forged.status) == (204, 204, 400)
    assert printed == "run.completed /runs/1/\n" * 2
