"""npm's `@copilotkit/aimock`, run by node: an independent double of all providers."""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests import npm
from tests.live_site import first_line

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", ".npmrc", "serve.mjs")
START_LIMIT_S, ANSWER_LIMIT_S = 30.0, 10.0
USED = {
    "prompt_tokens": 100, "completion_tokens": 20,
    "input_tokens": 100, "output_tokens": 20,
    "promptTokenCount": 100, "candidatesTokenCount": 20,
}  # fmt: skip
"""100 tokens read and 20 written, in every provider's fields; each format reads its own."""


def install(folder: Path) -> None:
    """Install it into `folder`. Skips the test without npm, unless REQUIRE_SERVICES is 1."""
    npm.install("The double of the providers", [HERE / name for name in FILES], folder)


class Aimock:
    """The server. `answer` sets its responses, as its own fixtures."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["node", "serve.mjs"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = first_line(self._process, START_LIMIT_S)
        """The server's address, without a path."""

        assert self.url, "aimock did not start."

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a user of it: every provider's address, and keys it does not check."""
        chat = {"name": "double", "kind": "openai", "base_url": f"{self.url}/v1", "models": ["gpt-5.6"]}
        return {
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_BASE_URL": self.url,
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "OPENAI_API_KEY": "the-key",
            "ANTHROPIC_API_KEY": "the-key",
            "GOOGLE_API_KEY": "the-key",
            "AGENTSITE_ENDPOINTS": json.dumps([chat]),
        }

    def answer(self, *fixtures: dict[str, Any]) -> None:
        """Reset it, and answer with these fixtures from now on: the first whose `match` fits."""
        self._post("reset")
        self._post("fixtures", {"fixtures": list(fixtures)})

    def answer_in_turn(self, *responses: dict[str, Any]) -> None:
        """Answer the first request with the first, the second with the second … `fixture` makes one with more
        fields."""
        made = [each if "response" in each else fixture(each) for each in responses]
        self.answer(*(each | {"match": each["match"] | {"sequenceIndex": place}} for place, each in enumerate(made)))

    def chaos(self, **rates: float) -> None:
        """Break requests with these probabilities from now on; without arguments, stop that."""
        self._post("chaos", rates)

    def requests(self) -> list[dict[str, Any]]:
        """The requests since `answer`: `path`, `headers`, and the `body` as aimock parsed it."""
        with urlopen(f"{self.url}/__aimock/journal", timeout=ANSWER_LIMIT_S) as answer:  # noqa: S310  a double of ours
            journal: list[dict[str, Any]] = json.load(answer)
        return journal

    def close(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.communicate()

    def _post(self, path: str, body: dict[str, Any] | None = None) -> None:
        asked = Request(  # noqa: S310  a double of ours
            f"{self.url}/__aimock/{path}",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urlopen(asked, timeout=ANSWER_LIMIT_S) as answer:  # noqa: S310  a double of ours
            assert answer.status == 200, answer.read()


def fixture(response: dict[str, Any], **about: Any) -> dict[str, Any]:
    """A response to any request, with further fields of aimock's fixtures, such as `truncateAfterChunks`."""
    return {"match": {}, "response": response} | about
