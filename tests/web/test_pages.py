"""Properties of every page: headers, no inline code, designed error pages."""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import ClassVar

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from django.views import defaults

from runs.models import Run
from runs.web import setup_link as first_link
from runs.web.urls import urlpatterns as pages

PAGES = {
    "sign in": ("anon", "/accounts/login/"),
    "first sign-in": ("anon", "{first}"),
    "nothing here, signed out": ("anon", "/nothing/"),
    "dashboard": ("owner", "/"),
    "dashboard of a new person": ("other", "/"),
    "launch": ("owner", "/runs/new/"),
    "history": ("owner", "/runs/"),
    "history of a new person": ("other", "/runs/"),
    "history without a match": ("owner", "/runs/?status=bogus&q=unicorns"),
    "run": ("owner", "{run}"),
    "search": ("owner", "/search/?q=unicorns"),
    "nothing here": ("owner", "/nothing/"),
    "history for staff": ("staff", "/runs/"),
    "admin": ("staff", "/admin/"),
    "admin: runs": ("staff", "/admin/runs/run/"),
    "admin: run": ("staff", "/admin{run}"),
    "admin: agent": ("staff", "/admin/runs/agent/add/"),
    "admin: steps": ("staff", "/admin/runs/step/"),
    "static file": ("anon", "/static/app.css"),
}


@pytest.fixture
def look(
    owner: User, other: User, staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> Callable[[str], HttpResponse]:
    """`look(name)`: the response of the page of that name to the person it is for."""
    run = make_run(owner, status="failed", steps=3, severity="error")
    people = {"anon": None, "owner": owner, "other": other, "staff": staff}

    def look_at(name: str) -> HttpResponse:
        person, address = PAGES[name]
        if "{first}" in address:
            Run.objects.all().delete()
            User.objects.all().delete()
            address = f"/accounts/first/{first_link.issue()}/"
        elif address == "/admin{run}":
            address = f"/admin/runs/run/{run.pk}/change/"
        return browser_of(people[person]).get(address.format(run=run.get_absolute_url()))  # type: ignore[return-value]

    return look_at


def policy_of(response: HttpResponse) -> dict[str, str]:
    directives = response["Content-Security-Policy"].split(";")
    return {name: value for name, _, value in (directive.strip().partition(" ") for directive in directives)}


@pytest.mark.parametrize("name", PAGES)
def test_every_answer_carries_the_strict_policy(look: Callable[[str], HttpResponse], name: str) -> None:
    response = look(name)

    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


class Inline(HTMLParser):
    """Collects what the content policy would block, duplicate ids, and URLs of other sites."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        given = dict(attrs)
        self.found += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        self.found += [f"{tag}: {value}" for name, value in attrs if (value or "").lower().startswith("javascript:")]
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//", given.get(name) or "") and tag != "a":
                self.found.append(f"<{tag} {name}={given[name]}>")
        if (identity := given.get("id")) is not None:
            self.found += [f"id {identity} twice"] if identity in self.ids else []
            self.ids.add(identity)

    def handle_data(self, data: str) -> None:
        if self.tag in ("script", "style") and data.strip():
            self.found.append(f"<{self.tag}>{data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        self.tag = ""


def inline_in(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found


@pytest.mark.parametrize("name", [name for name in PAGES if name != "static file"])
def test_no_page_has_anything_inline_or_from_elsewhere(look: Callable[[str], HttpResponse], name: str) -> None:
    assert inline_in(look(name).content.decode()) == []


@pytest.mark.parametrize("name", ["dashboard", "dashboard of a new person"])
def test_a_dashboard_is_offline_until_its_script_hears_the_server(
    look: Callable[[str], HttpResponse], name: str
) -> None:
    assert re.findall(r'data-connection="(.*?)"', look(name).content.decode()) == ["offline"]


@pytest.mark.parametrize("name", [name for name in PAGES if name.split(":")[0] not in ("static file", "admin")])
def test_every_page_has_one_title_one_heading_and_a_way_past_the_bar(
    look: Callable[[str], HttpResponse], name: str
) -> None:
    page = look(name).content.decode()

    assert page.count("<h1") == 1
    assert re.search(r"<title>[^<]+ · Agentsite</title>", page)
    assert '<a class="skip-link" href="#main">' in page
    assert '<html lang="en" dir="ltr">' in page
    assert "allowEval&quot;: false" in page or '"allowEval": false' in page


def test_private_pages_are_kept_by_no_shared_cache(look: Callable[[str], HttpResponse]) -> None:
    assert "private" in look("history")["Cache-Control"]


def _breaks(request: object) -> HttpResponse:
    raise RuntimeError("broken on purpose")


def _refuses(request: object) -> HttpResponse:
    raise PermissionDenied


def _is_confused(request: object) -> HttpResponse:
    raise SuspiciousOperation("nonsense")


class BrokenPages:
    """A URL configuration with views that raise."""

    urlpatterns: ClassVar = [
        path("", include((pages, "runs"))),
        path("breaks/", _breaks),
        path("refuses/", _refuses),
        path("confused/", _is_confused),
    ]


@pytest.fixture
def broken_site() -> Iterator[Client]:
    """A browser on a site whose views raise; the client does not re-raise."""
    with override_settings(ROOT_URLCONF=BrokenPages):
        yield Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nothing/", 404, "Page not found"),
        ("/refuses/", 403, "Not allowed"),
        ("/confused/", 400, "could not be read"),
        ("/breaks/", 500, "Something went wrong"),
    ],
)
def test_a_failure_has_a_page_of_its_own(db: None, broken_site: Client, address: str, status: int, words: str) -> None:
    response = broken_site.get(address)

    page = response.content.decode()
    assert response.status_code == status
    assert words in page
    assert "on purpose" not in page
    assert inline_in(page) == []
    assert "Content-Security-Policy" in response


def test_the_page_for_a_broken_site_needs_neither_database_nor_manifest() -> None:
    # No `db` fixture: a query would fail the test. The manifest is not read, so it cannot be missing.
    with override_settings(
        STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    ):
        response = defaults.server_error(RequestFactory().get("/"))

    assert response.status_code == 500
    assert b"/static/app.css" in response.content


def test_a_host_that_is_not_ours_is_refused_with_a_page(db: None) -> None:
    response = Client(raise_request_exception=False).get("/", headers={"Host": "elsewhere.example"})

    assert response.status_code == 400
    assert "AGENTSITE_ALLOWED_HOSTS" in response.content.decode()


def test_a_form_that_is_too_large_is_refused_with_a_page(owner: User, browser_of: Callable[[User], Client]) -> None:
    response = browser_of(owner).post(
        "/runs/", {"task": "x" * 3_000_000}, content_type="application/x-www-form-urlencoded"
    )

    assert response.status_code == 400


def test_a_form_in_an_encoding_of_its_own_is_refused_with_a_page(db: None) -> None:
    site = Client(enforce_csrf_checks=True, raise_request_exception=False)
    site.cookies["csrftoken"] = "a" * 32  # makes Django look for the token in the form

    response = site.post("/runs/", b"task=a", content_type="application/x-www-form-urlencoded; charset=utf-7")

    assert response.status_code == 400
    assert "could not be read" in response.content.decode()


def test_names_of_people_and_tasks_are_text_not_markup(
    staff: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    person = User.objects.create_user("<img src=x onerror=alert(1)>")
    make_run(person, task="<script>alert(1)</script>", status="waiting", waiting_for="approval")

    for page in ("/", "/runs/", "/admin/runs/run/"):
        assert inline_in(browser_of(staff).get(page).content.decode()) == []


def test_the_dashboard_shows_each_run_in_its_list(
    owner: User, browser_of: Callable[[User | None], Client], make_run: Callable[..., Run]
) -> None:
    wanted = {
        "running": [
            *(str(make_run(owner, status=status).pk) for status in ("idle", "thinking", "executing")),
            str(make_run(owner, status="waiting", waiting_for="retry").pk),
        ],
        "waiting": [str(make_run(owner, status="waiting", waiting_for=why).pk) for why in ("approval", "resume")],
        "finished": [str(make_run(owner, status=status).pk) for status in ("completed", "failed", "cancelled")],
    }

    page = browser_of(owner).get("/").content.decode()

    for name, runs in wanted.items():
        shown = page.split(f'data-run-list="{name}"')[1].split("</ol>")[0]
        assert sorted(re.findall(r'data-run-row="([^"]+)"', shown)) == sorted(runs)
    assert 'data-live-dashboard="/ws/dashboard/"' in page
    assert page.count('id="counts"') == 1


def test_a_status_is_told_by_a_word_and_an_icon_not_by_colour_alone() -> None:
    for status, label in Run.Status.choices:
        pill = render_to_string("runs/partials/status_pill.html", {"run": Run(status=status)})
        assert str(label) in pill
        assert "<svg" in pill
    for severity, label in Run.Severity.choices:
        badge = render_to_string("runs/partials/severity_badge.html", {"severity": severity})
        assert str(label) in badge
        assert "<svg" in badge
