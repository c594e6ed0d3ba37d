"""A person without a browser: sends the forms a browser would send, with cookies, to a real server."""

import http.client
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlencode, urlsplit

ANSWER_LIMIT_S = 30.0


class Visitor:
    """One connection to one site. Not thread-safe; make one for each thread."""

    def __init__(self, url: str, *, session: str = "") -> None:
        self._address = urlsplit(url).netloc
        self._cookies = {"sessionid": session} if session else {}
        self._connection = http.client.HTTPConnection(self._address, timeout=ANSWER_LIMIT_S)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        status, text, _ = self._ask("GET", path)
        return status, text

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form with this visitor's CSRF token. Returns the status and the redirect's target.

        Raises `OSError` or `http.client.HTTPException` without a response.
        """
        status, _, location = self._ask("POST", path, self._form(fields))
        return status, location

    def ask(self, path: str, **fields: str) -> tuple[int, str]:
        """Status and text of what a form is answered with. Raises as `post`."""
        status, text, _ = self._ask("POST", path, self._form(fields))
        return status, text

    def launch(self, task: str, **fields: str) -> str:
        """Launch a run. Returns its id. Raises what `post` raises, and `AssertionError` if the launch was refused."""
        status, location = self.post("/runs/", task=task, **fields)
        assert status == 302, f"The launch was answered with {status}."
        return location.strip("/").rsplit("/", 1)[1]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _form(self, fields: dict[str, str]) -> str:
        if "csrftoken" not in self._cookies:
            self.get("/runs/new/" if "sessionid" in self._cookies else "/accounts/login/")
        return urlencode(fields | {"csrfmiddlewaretoken": self._cookies["csrftoken"]})

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        for line in response.headers.get_all("Set-Cookie") or ():
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return response.status, text, response.headers.get("Location", "")
