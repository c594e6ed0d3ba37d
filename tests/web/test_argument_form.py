"""The argument form of waiting calls: what is shown is what runs, and untouched fields keep their values."""

import html
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.recording.canonical_json import arguments_hash, canonical
from runs.live.rendering.long_texts import SHOWN_CHARS
from runs.models import Run, Step, ToolCall
from runs.web.pending_calls import MOST_FORMS
from tests.markup import flat
from tests.web.conftest import HTMX

Ask = Callable[..., ToolCall]
NAMES = [
    "items", "keys", "values", "get", "copy", "pop", "update", "0", "pk", "id", "name", "text", "beginning",
    "non_field_errors", "errors", "fields", "media", "is_valid", "", " ", "a b", "a\nb", "ü", "<b>",
    "a\u202eb", "{{ x }}",
]  # fmt: skip


@pytest.fixture
def tool_name() -> str:
    """The name of a tool that takes a number, a text and extra arguments."""
    name = f"book_{uuid4().hex[:8]}"

    @tool(name=name)
    def book(
        account: float, whole: int = 0, text: str = "", choice: bool = False, extra: dict[str, Any] | None = None
    ) -> str:
        """Book."""
        return f"{account} {whole} {text} {choice} {extra}"

    return name


@pytest.fixture
def ask(owner: User, make_run: Callable[..., Run], tool_name: str) -> Ask:
    """`ask({"account": 1})`: a waiting call of the owner's with those arguments."""

    def asked(arguments: dict[str, Any]) -> ToolCall:
        run = make_run(owner, status="waiting", waiting_for="approval", epoch=1)
        Run.objects.filter(pk=run.pk).update(next_sequence=3)
        call = ToolCall.objects.create(
            call_id=uuid4(), run=run, turn=1, index=0, tool_name=tool_name, arguments=arguments,
            arguments_hash=arguments_hash(arguments), state="awaiting_approval", epoch=1,
        )  # fmt: skip
        about = {"turn": 1, "tool_name": tool_name, "call_id": call.pk, "tool_input": arguments, "epoch": 1, "run": run}
        Step.objects.create(sequence=1, kind="tool_call", **about)
        asks = {"asks": "approval", "arguments_hash": call.arguments_hash}
        Step.objects.create(sequence=2, kind="approval", content="?", metadata=asks, **about)
        return call

    return asked


@pytest.fixture
def browser(owner: User, browser_of: Callable[[User | None], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def fields_of(page: str, call: ToolCall) -> dict[str, str]:
    """The fields of the call's argument form, as an untouched browser form sends them."""
    form = re.search(r'<form class="argument-form.*?</form>', page, re.DOTALL)
    assert form is not None
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in found:
            # A one-line field has no line ends.
            fields[html.unescape(found["name"])] = re.sub(r"[\r\n]", "", html.unescape(found.get("value", "")))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n?(.*?)</textarea>', form[0], re.DOTALL):
        plain = html.unescape(text).replace("\r\n", "\n").replace("\r", "\n")
        fields[html.unescape(name)] = plain.replace("\n", "\r\n")
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        fields[html.unescape(name)] = html.unescape(chosen[1]) if chosen else ""
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def approve(browser: Client, call: ToolCall, fields: dict[str, str]) -> Any:
    return browser.post(f"/runs/{call.run_id}/calls/{call.pk}/approve/", fields, headers=HTMX)


def test_arguments_called_like_methods_are_shown_under_their_names_everywhere(browser: Client, ask: Ask) -> None:
    call = ask({"account": 1, **{name: [["to", f"value {index}"]] for index, name in enumerate(NAMES)}})

    pages = [browser.get(url) for url in ("/inbox/", f"/runs/{call.run_id}/", f"/runs/{call.run_id}/calls/{call.pk}/")]

    for page in pages:
        shown = html.unescape(page.content.decode())
        assert page.status_code == 200
        assert [index for index in range(len(NAMES)) if f"value {index}" not in shown] == []
        assert "a⟨U+202E⟩b" in shown


@pytest.mark.parametrize("name", NAMES)
def test_a_call_with_an_argument_of_any_name_is_approved_unchanged_through_its_form(
    browser: Client, ask: Ask, name: str
) -> None:
    call = ask({"account": 1, name: "as it was"})

    fields = fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)
    assert any("as it was" in value for value in fields.values())
    # A browser writes line ends in field names as CR LF.
    response = approve(browser, call, {each.replace("\n", "\r\n"): value for each, value in fields.items()})

    call.refresh_from_db()
    assert (response.status_code, call.state) == (204, "approved")
    assert call.arguments == {"account": 1, name: "as it was"}


@pytest.mark.parametrize(
    "value",
    [
        2**53 + 1,
        12345678901234567,
        10**30,
        1e22,
        1e-7,
        -0.0,
        0.1,
        5e-324,
        1.7976931348623157e308,
        3,
        3.0,
        0,
        123456789.125,
    ],
)
def test_a_number_nobody_touched_is_as_it_was_to_the_last_digit(browser: Client, ask: Ask, value: float) -> None:
    given = {"account": value, "text": "a", "extra": {"n": value}}
    call = ask(given)
    fields = fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)
    text = next(name for name in fields if name.endswith("-text"))

    response = approve(browser, call, fields | {text: "b"})

    call.refresh_from_db()
    assert response.status_code == 204
    assert canonical(call.arguments) == canonical({**given, "text": "b"})
    changes = Step.objects.filter(run=call.run_id, metadata__has_key="changes").get().metadata["changes"]
    assert [change["name"] for change in changes] == ["text"]


@pytest.mark.parametrize(
    "value", ["a\rb", "a\r\nb\n", "\na", " a ", "a\tb", "\r", "x" * 100 + "\r\n", "2,5", "NaN", '{"a": 1}']
)
def test_a_text_nobody_touched_is_as_it_was_to_the_last_character(browser: Client, ask: Ask, value: str) -> None:
    call = ask({"account": 1, "text": value})
    fields = fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)

    response = approve(browser, call, fields)

    call.refresh_from_db()
    assert (response.status_code, call.arguments) == (204, {"account": 1, "text": value})


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2,5", "with a point"), ("1_000", "with a point"), ("1 000", "with a point"), ("١٢", "with a point"),
        ("NaN", "with a point"), ("Infinity", "with a point"), ("1e400", "with a point"), ("0x10", "with a point"),
        ("0.12345678901234567890123", "it would be rounded to 0.12345678901234568"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_meant_or_kept_is_refused_in_words(
    browser: Client, ask: Ask, typed: str, said: str
) -> None:
    call = ask({"account": 1})
    fields = fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)

    response = approve(browser, call, fields | {f"call-{call.pk}-account": typed})

    assert response.status_code == 422
    assert said in html.unescape(response.content.decode())
    assert f'value="{typed}"' in html.unescape(response.content.decode())


@pytest.mark.parametrize(
    ("typed", "kept"), [("9007199254740993", 9007199254740993), ("2.5", 2.5), ("1e22", 1e22), ("-0", 0)]
)
def test_a_number_that_is_typed_is_the_number_that_runs(browser: Client, ask: Ask, typed: str, kept: float) -> None:
    call = ask({"account": 1})
    fields = fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)

    approve(browser, call, fields | {f"call-{call.pk}-account": typed})

    call.refresh_from_db()
    assert canonical(call.arguments["account"]) == canonical(kept)


def test_json_that_says_a_name_twice_is_refused_and_comes_back_as_it_was_typed(browser: Client, ask: Ask) -> None:
    call = ask({"account": 1, "extra": {"a": 1}})
    fields = fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)
    typed = '{"to": "alice", "n": 1.50, "to": "mallory"}'

    response = approve(browser, call, fields | {f"call-{call.pk}-extra": typed})

    assert response.status_code == 422
    assert "appears twice" in response.content.decode()
    assert typed in html.unescape(response.content.decode())


LONG: dict[str, Any] = {"account": 1, "text": "word " * (SHOWN_CHARS // 5) + "THE END, pay mallory"}


def test_a_call_with_long_arguments_has_no_button_to_approve_it_where_they_are_not_shown(
    browser: Client, ask: Ask
) -> None:
    call = ask(LONG)
    about = {"arguments_hash": call.arguments_hash}

    pages = [flat(browser.get(url).content.decode()) for url in ("/inbox/", f"/runs/{call.run_id}/")]
    alone = approve(browser, call, about)
    in_bulk = browser.post(
        "/inbox/decide/", {"action": "approve", "call": f"{call.pk}:{call.arguments_hash}"}, headers=HTMX
    )

    for page in pages:
        assert "/approve/" not in page and "Approve with these" not in page and 'name="call"' not in page
        assert f'href="/runs/{call.run_id}/calls/{call.pk}/"' in page
    assert (alone.status_code, in_bulk.status_code) == (422, 409)
    assert "shows all of them" in alone.headers["HX-Trigger"] and "shows all of them" in in_bulk.headers["HX-Trigger"]
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_the_page_of_a_call_shows_its_arguments_to_their_end_and_there_it_is_approved(
    browser: Client, ask: Ask
) -> None:
    call = ask(LONG)

    page = html.unescape(browser.get(f"/runs/{call.run_id}/calls/{call.pk}/").content.decode())
    response = browser.post(
        f"/runs/{call.run_id}/calls/{call.pk}/approve/",
        {"arguments_hash": call.arguments_hash, "read": "all", "inbox": "1"},
    )

    assert LONG["text"] in page and "<span>Approve</span>" in page
    assert response.headers["Location"] == "/inbox/"
    call.refresh_from_db()
    assert (call.state, call.arguments) == ("approved", LONG)


def test_long_arguments_are_changed_where_they_were_read_also_after_a_mistake(browser: Client, ask: Ask) -> None:
    call = ask(LONG)
    address = f"/runs/{call.run_id}/calls/{call.pk}/"
    fields = fields_of(browser.get(address).content.decode(), call)

    mistake = browser.post(f"{address}approve/", fields | {f"call-{call.pk}-account": "2,5"})
    fields = fields_of(mistake.content.decode(), call) | {f"call-{call.pk}-account": "2.5"}
    response = browser.post(f"{address}approve/", fields)

    assert (mistake.status_code, response.status_code) == (422, 302)
    call.refresh_from_db()
    assert call.arguments == {**LONG, "account": 2.5}


def test_arguments_nobody_can_read_on_a_page_can_be_denied_there_and_not_approved(browser: Client, ask: Ask) -> None:
    call = ask({"account": 1, "text": "x" * (1024 * 1024 + 1)})

    page = flat(browser.get(f"/runs/{call.run_id}/calls/{call.pk}/").content.decode())

    assert "<span>Approve</span>" not in page and "Approve with these" not in page
    assert ">Deny</button>" in page and f"/api/v1/runs/{call.run_id}/export?format=json" in page


def test_a_person_who_sees_no_such_run_sees_no_such_call(other: User, browser_of: Any, ask: Ask) -> None:
    call = ask({"account": 1})

    assert browser_of(other).get(f"/runs/{call.run_id}/calls/{call.pk}/").status_code == 404


@pytest.mark.parametrize("fields", [{"read": "1"}, {"read": "all", "edited": "1"}])
def test_who_says_to_have_read_more_than_a_page_shows_is_refused_and_may_deny(
    browser: Client, ask: Ask, fields: dict[str, str]
) -> None:
    call = ask({"account": 1, "text": "x" * (1024 * 1024 + 1)})
    address = f"/runs/{call.run_id}/calls/{call.pk}/"
    name = f"call-{call.pk}-"
    fields = {"arguments_hash": call.arguments_hash, f"{name}account": "1", f"{name}text": "y", **fields}

    alone = browser.post(f"{address}approve/", fields, headers=HTMX)
    chosen = {"action": "approve", "call": f"{call.pk}:{call.arguments_hash}", "read": "all"}
    in_bulk = browser.post("/inbox/decide/", chosen, headers=HTMX)

    assert (alone.status_code, in_bulk.status_code) == (422, 409)
    for answer in (alone, in_bulk):
        assert "longer than a page shows" in answer.headers["HX-Trigger"]
    call.refresh_from_db()
    assert call.state == "awaiting_approval"
    browser.post(f"{address}deny/", fields)
    call.refresh_from_db()
    assert call.state == "denied"


def test_the_forms_of_the_first_calls_are_in_the_page_and_those_of_the_others_come_while_they_wait(
    browser: Client, ask: Ask
) -> None:
    calls = [ask({"a": f"17 * {number}"}) for number in range(MOST_FORMS + 1)]
    call = calls[-1]
    address = f"/runs/{call.run_id}/calls/{call.pk}/?change=1"
    page = browser.get("/inbox/").content.decode()

    form = browser.get(address, headers=HTMX).content.decode()

    assert page.count('class="argument-form') == MOST_FORMS
    assert [each for each in calls if f'hx-get="/runs/{each.run_id}/calls/{each.pk}/?change=1"' in page] == [call]
    assert fields_of(form, call) == fields_of(browser.get(f"/inbox/?change={call.pk}").content.decode(), call)
    control.deny(call.pk, by=call.run.user, arguments_hash=call.arguments_hash)
    stands = browser.get(address, headers=HTMX).content.decode()
    assert "argument-form" not in stands
    assert "Denied" in stands
