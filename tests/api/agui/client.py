"""Two AG-UI clients: the real npm client, run by node, and one that reads raw events. Both check every stream."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

from tests import npm
from tests.api.agui.conformance import Event, check

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", ".npmrc", "follow.mjs")
RUN_LIMIT_S = 60.0


def install(folder: Path) -> None:
    """Install the client into `folder`. Skips the test without npm, unless REQUIRE_SERVICES is 1."""
    npm.install("The AG-UI client", [HERE / name for name in FILES], folder)


class Client:
    """A program that uses the npm client with a token, in one thread."""

    def __init__(self, folder: Path, url: str, token: str, thread_id: str) -> None:
        self._folder = folder
        self._job = {"url": url, "token": token, "threadId": thread_id}

    def run(self, *asks: dict[str, Any], messages: list[Any] | None = None) -> list[dict[str, Any]]:
        """The messages and state the client had rebuilt after each ask."""
        done = subprocess.run(
            ["node", "follow.mjs"],
            cwd=self._folder,
            input=json.dumps(self._job | {"asks": asks, "messages": messages or []}),
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results = [json.loads(line) for line in done.stdout.splitlines()]
        for ask, result in zip(asks, results, strict=True):
            if result["events"] or not (result["error"] or {}).get("status"):
                check(result["events"], is_whole="leaveAfter" not in ask)
        return results


class RawClient:
    """A program with a token that reads streams byte by byte."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The API's response, as JSON."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self._url}/api/v1{path}", data, self._headers, method=method)) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    def events(self, say: str, *, thread: str | None = None, run: str = "r1", **more: Any) -> Iterator[Event]:
        """The events of a stream as they arrive; at its end the whole stream is checked."""
        body = {"threadId": thread or str(uuid4()), "runId": run, **more}
        body["messages"] = [*more.get("messages", ()), {"id": "say", "role": "user", "content": say}]
        request = Request(f"{self._url}/api/v1/agui", json.dumps(body).encode(), self._headers)  # noqa: S310  our own site
        told: list[Event] = []
        with urlopen(request, timeout=RUN_LIMIT_S) as answer:  # noqa: S310  our own site
            for line in answer:
                if line.startswith(b"data: "):
                    told.append(json.loads(line.removeprefix(b"data: "), parse_constant=_refuse))
                    yield told[-1]
        check(told)

    def run(self, say: str, **more: Any) -> list[Event]:
        """A whole stream."""
        return list(self.events(say, **more))


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")
