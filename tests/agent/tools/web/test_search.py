"""`web_search` asks the services of the site in their order, and gives results in one shape."""

import json
from typing import Any

import pytest

from runs.agent.errors.exceptions import InvalidArguments, ToolFailed, ToolUnavailable
from runs.agent.redaction.redactor import secrets_in
from runs.agent.sandbox.limits import JobLimits
from runs.agent.tools.registry import execute_tool_by_name, get_available_tools
from runs.agent.tools.web.search import FAILURES, Search
from runs.agent.tools.web.search_results import (
    BadAnswer,
    SearchHit,
    from_brave,
    from_ddgs,
    from_searxng,
    from_tavily,
)
from runs.agent.tools.web.search_services import SearchService, ServiceDown, services_of
from runs.agent.tools.web.search_settings import SearchSettings
from tests.agent.tools.web.web_server import WebServer, endless, redirect, response

# The fields of each service's documented answer, with what the tool does not use.
SEARXNG = {
    "query": "tides",
    "number_of_results": 0,
    "results": [
        {
            "url": "https://tides.example/high",
            "title": "High tide",
            "content": "The tide is <b>high</b> &amp; dry.",
            "engine": "mojeek",
            "parsed_url": ["https", "tides.example", "/high", "", "", ""],
            "template": "default.html",
            "engines": ["mojeek", "brave"],
            "positions": [1, 3],
            "publishedDate": "2026-03-01T00:00:00",
            "score": 2.5,
            "category": "general",
        },
        {"url": "https://tides.example/low", "title": "Low tide", "content": "", "publishedDate": None},
    ],
    "answers": [],
    "corrections": [],
    "infoboxes": [],
    "suggestions": ["tide tables"],
    "unresponsive_engines": [["google", "timeout"]],
}
BRAVE = {
    "type": "search",
    "query": {"original": "tides", "more_results_available": True},
    "web": {
        "type": "search",
        "results": [
            {
                "title": "High tide",
                "url": "https://tides.example/high",
                "is_source_local": False,
                "description": "The tide is high &amp; dry.",
                "page_age": "2026-03-01T00:00:00",
                "age": "March 1, 2026",
                "profile": {"name": "Tides", "url": "https://tides.example"},
                "language": "en",
                "family_friendly": True,
                "meta_url": {"scheme": "https", "netloc": "tides.example"},
            },
            {"title": "Low tide", "url": "https://tides.example/low", "description": ""},
        ],
        "family_friendly": True,
    },
}
TAVILY = {
    "query": "tides",
    "follow_up_questions": None,
    "answer": None,
    "images": [],
    "results": [
        {
            "url": "https://tides.example/high",
            "title": "High tide",
            "content": "The tide is high & dry.",
            "score": 0.98,
            "raw_content": None,
            "published_date": "2026-03-01T00:00:00",
        },
        {"url": "https://tides.example/low", "title": "Low tide", "content": "", "score": 0.5},
    ],
    "response_time": 1.2,
}
DDGS = [
    {"title": "High tide", "href": "https://tides.example/high", "body": "The tide is high & dry."},
    {"title": "Low tide", "href": "https://tides.example/low", "body": ""},
]
LOW = {"title": "Low tide", "address": "https://tides.example/low", "excerpt": ""}
HIGH = {"title": "High tide", "address": "https://tides.example/high", "excerpt": "The tide is high & dry."}


def settings(site: WebServer | None = None, **environ: str) -> SearchSettings:
    base = {"AGENTSITE_SEARXNG_URL": site.url("/searx/", host="127.0.0.1")} if site else {}
    return SearchSettings.parsed(base | environ)


def asked(site: WebServer, name: str, **environ: str) -> SearchService:
    """One service, at an address of the test's server."""
    local = site.url(f"/{name}", host="127.0.0.1")
    keys = {"BRAVE_API_KEY": "brave-key-1", "TAVILY_API_KEY": "tavily-key-1"}
    chosen = settings(site, AGENTSITE_SEARCH=name, **keys, **environ)
    return services_of(chosen, brave=local, tavily=local)[0]


async def test_searxng_is_asked_for_json(site: WebServer) -> None:
    site.pages["/searx/search"] = response(json.dumps(SEARXNG), content_type="application/json")

    found = await asked(site, "searxng").search("high tide & more", 8)

    assert [each.as_json() for each in found] == [
        HIGH | {"excerpt": "The tide is <b>high</b> & dry.", "date": "2026-03-01T00:00:00"},
        LOW,
    ]
    assert site.requests[0].startswith("GET /searx/search?q=high+tide+%26+more&format=json HTTP/1.1")


async def test_brave_is_asked_with_its_key(site: WebServer) -> None:
    site.pages["/brave"] = response(json.dumps(BRAVE), content_type="application/json")

    found = await asked(site, "brave").search("tides", 8)

    assert [each.as_json() for each in found] == [HIGH | {"date": "2026-03-01T00:00:00"}, LOW]
    assert site.requests[0].startswith("GET /brave?q=tides&count=8&text_decorations=false HTTP/1.1")
    assert "X-Subscription-Token: brave-key-1" in site.requests[0]


async def test_tavily_is_asked_with_its_key(site: WebServer) -> None:
    site.pages["/tavily"] = response(json.dumps(TAVILY), content_type="application/json")

    found = await asked(site, "tavily").search("tides", 1)

    assert [each.as_json() for each in found] == [HIGH | {"date": "2026-03-01T00:00:00"}]
    head, _, body = site.requests[0].partition("\r\n\r\n")
    assert head.startswith("POST /tavily ") and "Authorization: Bearer tavily-key-1" in head
    assert json.loads(body) == {"query": "tides", "max_results": 1, "search_depth": "basic"}


def test_ddgs_results_have_the_same_shape() -> None:
    assert [each.as_json() for each in from_ddgs(DDGS)] == [HIGH, LOW]


async def test_ddgs_without_a_network_says_so() -> None:
    service = services_of(settings(), ddgs_limits=JobLimits(wall_s=20, memory_bytes=2**31))[0]

    assert service.name == "ddgs"
    with pytest.raises(ServiceDown, match="the search engines found nothing or refused"):
        await service.search("tides", 3)


@pytest.mark.parametrize("read", [from_searxng, from_brave, from_tavily, from_ddgs])
@pytest.mark.parametrize(
    "answer", [None, [], {}, {"results": 1}, {"web": 1}, {"web": {"results": {}}}, "x", {"error": "no"}]
)
def test_an_answer_without_results_is_none(read: Any, answer: Any) -> None:
    if read is from_ddgs and answer == []:
        assert from_ddgs(answer) == []
        return
    with pytest.raises(BadAnswer):
        read(answer)


def test_what_is_no_result_is_left_out_and_texts_are_cut() -> None:
    results: list[Any] = [
        None,
        {},
        {"url": 5},
        {"url": "javascript:alert(1)", "title": "x"},
        {"url": "https://a.test/" + "x" * 2000},
        {"url": "https://a.test/", "title": "t\0\u202e" * 500, "content": "&lt;" * 10**6, "published_date": 5},
        {"url": "https://a.test/", "title": "again"},
        {"url": "https://b.test/", "title": None},
    ]

    first, second = from_tavily({"results": results})

    assert (first.address, len(first.title), len(first.excerpt), first.date) == ("https://a.test/", 200, 700, "")
    assert second == SearchHit("https://b.test/", "https://b.test/", "")


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (response(status="500 Oh"), "it answered 500"),
        (response(status="429 Slow"), "it answered 429"),
        (response(status="403 Forbidden"), "must list json under search.formats"),
        (redirect("http://169.254.169.254/"), "it answered 302"),
        (response("<html>"), "not JSON"),
        (response("[" * 100_000), "not JSON"),
        (response("{}"), "no results"),
        (response(json.dumps({"results": [], "unresponsive_engines": [["a", "b"]]})), "none of its engines answered"),
        (b"", "broke off"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n"), "no results"),
        (endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000), "broke off"),
    ],
)
async def test_a_service_that_does_not_work_says_why(site: WebServer, page: Any, says: str) -> None:
    site.pages["/searx/search"] = page

    with pytest.raises(ServiceDown, match=says):
        await asked(site, "searxng").search("tides", 8)


class Service:
    """A service that works or does not."""

    def __init__(self, name: str, *, works: bool) -> None:
        self.name, self.works, self.asked = name, works, 0

    async def search(self, query: str, count: int) -> list[SearchHit]:
        self.asked += 1
        if not self.works:
            raise ServiceDown("it answered 500")
        return [SearchHit(query, "https://a.test/", "")]

    @property
    def made(self) -> SearchService:
        return SearchService(self.name, self.search)


async def test_the_next_service_is_asked_and_one_that_is_down_is_left_out_for_a_while() -> None:
    down, up = Service("searxng", works=False), Service("brave", works=True)
    search = Search([down.made, up.made])

    answers = [await search.results("tides", 8) for _ in range(10)]

    assert {each["service"] for each in answers} == {"brave"}
    assert (down.asked, up.asked) == (FAILURES, 10)


async def test_if_no_service_answers_the_error_says_why_for_each() -> None:
    search = Search([Service("searxng", works=False).made, Service("ddgs", works=False).made])

    with pytest.raises(ToolUnavailable, match=r"searxng \(it answered 500\); ddgs \(it answered 500\)\.$"):
        await search.results("tides", 8)
    for _ in range(3):
        with pytest.raises(ToolUnavailable) as last:
            await search.results("tides", 8)
    assert "searxng (left out for " in str(last.value)


async def test_the_tool_gives_the_service_and_its_results(site: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/search"] = response(json.dumps(SEARXNG))
    monkeypatch.setenv("AGENTSITE_SEARXNG_URL", site.url(host="127.0.0.1"))

    answer = await execute_tool_by_name("web_search", query="tides", count=1)

    assert answer["service"] == "searxng" and [each["title"] for each in answer["results"]] == ["High tide"]
    site.pages["/search"] = response(json.dumps({"results": [], "unresponsive_engines": []}))
    assert "Nothing was found" in (await execute_tool_by_name("web_search", query="tides"))["note"]


async def test_a_search_that_is_switched_off_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "web_search" in {each["name"] for each in get_available_tools()}

    monkeypatch.setenv("AGENTSITE_SEARCH", "off")

    assert "web_search" not in {each["name"] for each in get_available_tools()}
    with pytest.raises(ToolFailed, match="switched off"):
        await execute_tool_by_name("web_search", query="tides")


@pytest.mark.parametrize(
    "arguments", [{"query": ""}, {"query": "x" * 401}, {"query": "x", "count": 0}, {"query": "x", "count": 21}]
)
async def test_arguments_have_limits(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments):
        await execute_tool_by_name("web_search", **arguments)


KEYS = {
    "BRAVE_API_KEY": "brave-key-1",
    "TAVILY_API_KEY": "tavily-key-1",
    "AGENTSITE_SEARXNG_URL": "http://searx.internal:9000",
}


@pytest.mark.parametrize(
    ("environ", "order"),
    [
        ({}, ("ddgs",)),
        (KEYS, ("searxng", "brave", "tavily", "ddgs")),
        ({"TAVILY_API_KEY": "tavily-key-1"}, ("tavily", "ddgs")),
        (KEYS | {"AGENTSITE_SEARCH": "tavily, searxng"}, ("tavily", "searxng")),
        ({"AGENTSITE_SEARCH": "OFF"}, ()),
    ],
)
def test_services_are_asked_in_the_order_of_the_settings(environ: dict[str, str], order: tuple[str, ...]) -> None:
    assert SearchSettings.parsed(environ).order == order


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"AGENTSITE_SEARCH": "google"},
            "expected off, or some of searxng, brave, tavily, ddgs",
        ),
        ({"AGENTSITE_SEARCH": "brave"}, "brave needs BRAVE_API_KEY"),
        ({"AGENTSITE_SEARXNG_URL": "searx.internal"}, "AGENTSITE_SEARXNG_URL: expected the address"),
        ({"AGENTSITE_SEARXNG_URL": "ftp://searx"}, "AGENTSITE_SEARXNG_URL: expected the address"),
    ],
)
def test_settings_that_make_no_sense_are_refused(environ: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SearchSettings.parsed(environ)


def test_the_keys_are_secrets() -> None:
    assert {"brave-key-1", "tavily-key-1"} <= secrets_in(KEYS)
