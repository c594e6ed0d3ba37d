"""Refusals before Django is called, and under overload: each with its own message, in the API's format."""

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.test import RequestFactory

from agentsite import asgi
from agentsite import error_handlers as refusals
from runs.api.errors import error_for
from runs.database_outages import AWAY, RETRY_AFTER_S
from runs.hash_pool import HashBusy
from runs.request_slots import SlotLimits
from runs.web.outage_page import RETRY_PAGE_S, OutageMiddleware, away

NONE = SlotLimits(at_once=0, of_one=0, most_waiting=0, most_waiting_of_one=0, longest_wait_s=None, patience_s=60)


class Sent(list[dict[str, Any]]):
    """The messages sent over ASGI."""

    async def __call__(self, event: Any) -> None:
        self.append(event)

    @property
    def status(self) -> int:
        return int(self[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self[0]["headers"]}

    @property
    def text(self) -> str:
        return b"".join(event.get("body", b"") for event in self).decode()


@pytest.mark.parametrize(
    ("refuse", "status", "words"),
    [(refusals.too_busy, 503, "The site is too busy"), (refusals.too_many_waiting, 429, "your requests")],
)
async def test_a_page_says_whether_others_are_many_or_oneself(refuse, status, words):
    sent = Sent()

    await refuse({"path": "/runs/", "method": "POST", "headers": []}, sent)

    assert sent.status == status
    assert words in sent.text and f">{status}<" in sent.text
    assert sent.headers["Retry-After"] == str(RETRY_AFTER_S)
    assert sent.headers["Cache-Control"] == "no-store"
    assert "Refresh" not in sent.headers, "a form that was sent is not sent again as a page"


@pytest.mark.parametrize("refuse", [refusals.too_busy, refusals.too_many_waiting])
async def test_a_page_that_was_asked_for_loads_itself_again(refuse):
    sent = Sent()

    await refuse({"path": "/runs/", "method": "GET", "headers": []}, sent)

    assert sent.headers["Refresh"] == str(RETRY_PAGE_S)
    assert f'data-retry="{RETRY_PAGE_S}"' in sent.text and ">Try again</a>" in sent.text


def sent_form(typed: dict[str, str], *, is_ours: bool) -> HttpRequest:
    """A form as the CSRF middleware leaves it; those of our pages have a token."""
    secret = "a" * 32
    request = RequestFactory().post("/runs/", {**typed, "csrfmiddlewaretoken": secret} if is_ours else typed)
    request.COOKIES["csrftoken"] = secret
    middleware = CsrfViewMiddleware(lambda _request: HttpResponse())
    middleware.process_request(request)
    middleware.process_view(request, lambda _request: HttpResponse(), (), {})
    return request


def test_a_form_of_another_site_does_not_come_back_with_a_token_of_ours():
    page = away(AWAY, sent_form({"task": "Pay me"}, is_ours=False)).content.decode()

    assert "Pay me" not in page and "csrfmiddlewaretoken" not in page


def test_a_form_that_meets_an_outage_comes_back_with_what_was_typed_and_no_password():
    typed = {"task": "Plan the <b>trip</b>", "agent": "Assistant", "password": "s3cret", "once": "key-1"}
    page = away(AWAY, sent_form(typed, is_ours=True))
    text = page.content.decode()

    assert (page.status_code, page.has_header("Refresh")) == (503, False)
    assert '<form class="card card-body stack kept-form" method="post" action="/runs/" data-submit-once>' in text
    assert "Plan the &lt;b&gt;trip&lt;/b&gt;" in text and 'name="once" value="key-1"' in text
    assert "csrfmiddlewaretoken" in text
    assert "s3cret" not in text


async def test_a_refusal_is_in_the_language_of_the_reader():
    sent = Sent()

    await refusals.too_busy({"path": "/runs/", "method": "GET", "headers": [(b"cookie", b"a=b; language=de")]}, sent)

    assert '<html lang="de" dir="ltr">' in sent.text and "Die Website ist überlastet" in sent.text


@pytest.mark.parametrize(
    ("refuse", "status", "code"),
    [(refusals.too_busy, 503, "busy"), (refusals.too_many_waiting, 429, "too_many_requests")],
)
async def test_below_api_both_have_the_shape_of_the_api(refuse, status, code):
    sent = Sent()

    await refuse({"path": "/api/v1/runs", "method": "GET", "headers": [(b"accept-language", b"de")]}, sent)

    assert sent.status == status
    assert json.loads(sent.text)["error"]["code"] == code
    assert sent.headers["Retry-After"] == str(RETRY_AFTER_S)


def answered(path: str) -> Any:
    """The response to a request whose password could not be hashed, outside of views."""
    request: HttpRequest = RequestFactory().get(path)
    try:
        raise HashBusy  # noqa: TRY301  as a hasher does
    except HashBusy as busy:
        page = OutageMiddleware(lambda _request: None).process_exception(request, busy)  # type: ignore[arg-type]
        return page or refusals.server_error(request)


def test_too_many_passwords_to_hash_is_a_page_and_below_api_the_shape_of_the_api():
    page, told = answered("/accounts/password/"), answered("/api/v1/runs")

    assert page.status_code == told.status_code == 503
    assert "The site is too busy" in page.content.decode()
    assert json.loads(told.content)["error"]["code"] == "busy"
    assert page["Retry-After"] == told["Retry-After"] == str(RETRY_AFTER_S)
    assert error_for(HashBusy()).status == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/app.css"])
async def test_supervisors_and_static_files_wait_for_nobody(path, monkeypatch):
    assert await asked(path, monkeypatch) == "not counted"


@pytest.mark.parametrize("path", ["/healthzX", "/healthz/", "/readyz/x", "/staticX", "/", "/api/v1/runs"])
async def test_a_path_that_only_begins_like_theirs_waits_as_every_page(path, monkeypatch):
    assert await asked(path, monkeypatch) == "counted"


async def asked(path: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """True if a request for the path needs a slot; no slot is free here."""
    monkeypatch.setattr(asgi, "PAGES", NONE)
    sent = Sent()

    async def django(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    monkeypatch.setattr(asgi, "_http_application", django)
    await asgi._pages({"type": "http", "path": path, "method": "GET", "headers": []}, None, sent)  # type: ignore[arg-type]
    return "not counted" if sent.status == 200 else "counted"
