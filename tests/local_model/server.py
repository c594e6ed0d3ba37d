"""`make local-model` in a process of a test's own."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.formats.openai_responses import ResponsesFormat
from runs.agent.providers.model_server import Server
from runs.agent.providers.remote_model import RemoteModel
from tests.live_site import ROOT, clean_environment, first_line

STAMP = ".venv-local-model/.requirements"
INSTALL_LIMIT_S, START_LIMIT_S, LOOK_EVERY_S = 300.0, 60.0, 0.05
CONTEXT_TOKENS, MAX_OUTPUT_TOKENS = 1024, 100


def install() -> None:
    """Create the model's virtual environment. Skips the test if that is impossible, unless REQUIRE_SERVICES is 1."""
    if shutil.which("make") is None:
        reason = "needs make"
    else:
        command = ["make", STAMP]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
        if done.returncode == 0:
            return
        reason = f"`make {STAMP}` failed: {done.stderr.strip()[-300:]}"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class LocalModel:
    """A small real model: a thousand tokens of context, replies of 100 at most."""

    def __init__(self, data: Path) -> None:
        self.data = data
        """The folder of its announcement."""
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def file(self) -> Path:
        """The announcement."""
        return self.data / "local_model.json"

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "LocalModel":
        """Serve on a free port, or again on the one it had; returns when the model is loaded."""
        self._process = subprocess.Popen(
            [
                *(".venv-local-model/bin/python", "local_model/serve.py", "--port", str(self.port)),
                *("--context-tokens", str(CONTEXT_TOKENS), "--max-output-tokens", str(MAX_OUTPUT_TOKENS)),
            ],
            cwd=ROOT,
            env=clean_environment(self.data, None),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert first_line(self._process, START_LIMIT_S), "It did not start."
        self.port = int(json.loads(self.file.read_text())[0]["base_url"].split(":")[2].partition("/")[0])
        return self

    def end(self, how: signal.Signals) -> int:
        """Send it that signal; returns its exit code."""
        assert self._process is not None, "not started"
        self._process.send_signal(how)
        code = self._process.wait(START_LIMIT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return code

    def close(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self.end(signal.SIGKILL)

    def speaks(self, kind: str) -> RemoteModel:
        """A provider of the model in that format."""
        server = Server("local", f"{self.url}/v1")
        # As the site configures it: the announcement has the maximum length of a reply.
        known = Capabilities(max_output_tokens=MAX_OUTPUT_TOKENS)
        wire_format = ResponsesFormat if kind == "responses" else OpenAIFormat
        return RemoteModel(wire_format("smollm2-135m", server, capabilities=known))

    def busy_slots(self) -> int:
        """The number of replies it is generating."""
        return sum(slot["is_processing"] for slot in self._get("slots"))

    def tokens_written(self) -> int:
        """The tokens it has generated since its start, by its own count."""
        with urlopen(f"{self.url}/metrics") as answer:  # noqa: S310  a server of our own
            lines = answer.read().decode().splitlines()
        (count,) = [line.split()[1] for line in lines if line.startswith("llamacpp:tokens_predicted_total ")]
        return int(float(count))

    def seconds_until_idle(self, limit_s: float) -> float:
        """Seconds until it generates no reply any more. Fails after `limit_s`."""
        started = time.monotonic()
        while self.busy_slots():
            assert time.monotonic() - started < limit_s, f"It still writes after {limit_s} s."
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - started

    def wait_until_busy(self, limit_s: float) -> None:
        """Wait until it generates a reply. Fails after `limit_s`."""
        started = time.monotonic()
        while not self.busy_slots():
            assert time.monotonic() - started < limit_s, f"It writes nothing after {limit_s} s."
            time.sleep(LOOK_EVERY_S)

    def _get(self, path: str) -> Any:
        with urlopen(f"{self.url}/{path}") as answer:  # noqa: S310  a server of our own
            return json.load(answer)
