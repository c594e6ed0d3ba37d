"""Questions of agents: on the run's page, in the inbox, and on a page of their own."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.agent.tools.person_questions import PersonQuestion
from runs.engine import control
from runs.live.rendering import fragments
from runs.models import Question, Run, Surface
from tests.asked_questions import asked_question
from tests.web.conftest import HTMX

BrowserOf = Callable[[User | None], Client]
COLOURS = PersonQuestion(text="Which <b>one</b>?", choices=("red", "light blue"))
WHERE = PersonQuestion(text="Where?")
FORM = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The <i>nearest</i> one."},
        "nights": {"type": "integer", "minimum": 1, "title": "How many nights?"},
        "breakfast": {"type": "boolean"},
    },
    "required": ["city", "nights"],
}
TRIP = PersonQuestion(text="Where to?", form=FORM)


@pytest.fixture
def ask(owner: User, make_run: Callable[..., Run]) -> Callable[..., Question]:
    """`ask(question)`: a question of a new run of the owner's."""
    return lambda question=COLOURS, **fields: asked_question(make_run(owner, epoch=1), question, **fields)


def page_of(question: Question) -> str:
    """The address of the question."""
    return f"/runs/{question.call.run_id}/questions/{question.pk}/"


def sent(question: Question, **values: Any) -> dict[str, Any]:
    """The fields as a browser sends them."""
    return {f"answer-{question.pk}-{name}": value for name, value in values.items()}


@pytest.mark.parametrize("where", ["run", "inbox", "page", "thread"])
def test_a_question_is_asked_wherever_it_can_be_answered(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question], where: str
) -> None:
    question, path = (made := ask()), {"inbox": "/inbox/", "page": page_of(made)}
    run_id = question.call.run_id
    shown = path.get(where, f"/threads/{run_id}/" if where == "thread" else f"/runs/{run_id}/")

    html = browser_of(owner).get(shown).content.decode()

    assert "Which &lt;b&gt;one&lt;/b&gt;?" in html
    assert "<b>one</b>" not in html
    for choice in COLOURS.choices:
        assert f'name="answer-{question.pk}-answer" value="{json.dumps(choice).replace(chr(34), "&quot;")}"' in html


def test_an_answer_on_the_runs_page_lets_the_run_go_on(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask()

    response = browser_of(owner).post(page_of(question), sent(question, answer='"light blue"'))

    question.refresh_from_db()
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/runs/{run.pk}/")
    assert (question.answer, question.answered_by, question.surface) == ("light blue", owner, "page")
    assert (run.status, question.call.state) == ("idle", "proposed")
    html = browser_of(owner).get(f"/runs/{run.pk}/").content.decode()
    assert "Answered by" in html and "owner answered: light blue" in html
    assert page_of(question) not in html


def test_an_answer_in_the_inbox_is_said_in_its_card(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask(WHERE)

    values = sent(question, answer="Here,\r\nand there.") | {"inbox": "1"}
    response = browser_of(owner).post(page_of(question), values, headers=HTMX)

    question.refresh_from_db()
    assert response.status_code == 204
    assert json.loads(response["HX-Trigger"]) == {
        "decided": {"call": str(question.call_id), "text": "Answered. The run goes on.", "undo": None}
    }
    assert (question.answer, question.surface) == ("Here,\nand there.", "inbox")


def test_a_form_takes_numbers_and_yes_or_no_and_names_what_is_wrong(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask(TRIP)
    browser = browser_of(owner)
    shown = browser.get("/inbox/").content.decode()

    wrong = browser.post(page_of(question), sent(question, city="Rome", nights="0") | {"inbox": "1"}, headers=HTMX)
    missing = browser.post(page_of(question), sent(question, city="Rome", nights=""))
    on_stage = browser.post(page_of(question), sent(question, city="", nights="x"), headers=HTMX)
    right = browser.post(page_of(question), sent(question, city="Rome", nights="2", breakfast="true"))

    assert "The &lt;i&gt;nearest&lt;/i&gt; one." in shown
    assert [each.status_code for each in (wrong, missing, on_stage, right)] == [422, 422, 422, 302]
    assert "greater than or equal to 1" in wrong.content.decode()
    assert 'aria-invalid="true"' in missing.content.decode()
    assert "How many nights?: Enter a whole number." in on_stage["HX-Trigger"]
    question.refresh_from_db()
    assert question.answer == {"city": "Rome", "nights": 2, "breakfast": True}


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_who_comes_second_reads_who_answered_and_a_second_press_is_no_mistake(
    owner: User, staff: User, browser_of: BrowserOf, ask: Callable[..., Question], headers: dict[str, str]
) -> None:
    question = ask()
    control.answer(question.pk, by=staff, answer="red", surface=Surface.API)

    late = browser_of(owner).post(page_of(question), sent(question, answer='"red"'), headers=headers)
    again = browser_of(staff).post(page_of(question), sent(question, answer='"red"'), headers=headers)
    page = browser_of(owner).get(page_of(question)).content.decode()

    assert late.status_code == 409
    assert "staff answered this over the API 0 s ago." in late.content.decode()
    assert again.status_code == (204 if headers else 302)
    assert (
        "staff answered this over the API" in page and "<form" not in page.partition("<main")[2].partition("</main")[0]
    )


def test_the_inbox_counts_questions_with_the_approvals_and_shows_the_nearest_deadline_first(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    ask(WHERE)
    soon = ask(TRIP, expires_at=timezone.now() + timedelta(hours=1))
    browser = browser_of(owner)

    html = browser.get("/inbox/").content.decode()
    count = browser.get("/inbox/count/").json()

    assert (count, 'data-waiting-count="2" data-decide="2"' in html) == ({"count": 2, "news": []}, True)
    assert html.index(str(soon.pk)) < html.index("Where?")
    assert "To be answered by" in html


def test_a_card_comes_again_when_its_call_asks_something_else(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask()

    known = browser_of(owner).get(f"/inbox/?known={question.call_id}", headers=HTMX).content.decode()

    assert f'data-inbox-call="{question.call_id}" data-hash="{question.pk}"' in known
    assert "Which" not in known


def test_only_who_may_decide_about_the_run_answers(
    owner: User, other: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask()

    strangers = [browser_of(other).get(page_of(question)), browser_of(other).post(page_of(question), {})]
    nobodys = browser_of(owner).get(page_of(question).replace(str(question.pk), str(question.call_id)))

    assert [each.status_code for each in (*strangers, nobodys)] == [404, 404, 404]


def test_the_buttons_of_a_step_are_the_same_for_all_viewers_and_leave_with_the_answer(
    owner: User, ask: Callable[..., Question]
) -> None:
    question = ask(WHERE)
    run = Run.objects.get()
    asked = fragments.stage_html(run)

    control.answer(question.pk, by=owner, answer="Here.", surface=Surface.PAGE)
    run.refresh_from_db()
    answered = fragments.step_html(run.steps.order_by("-sequence")[0])

    assert 'form="run-actions"' in asked and "csrfmiddlewaretoken" not in asked and " required" not in asked
    assert f'data-replace="decide-{question.call_id}-1"' in answered
    assert "Here." in answered


def test_what_was_answered_is_listed_with_what_was_decided_latest_first(
    owner: User, staff: User, browser_of: BrowserOf, ask: Callable[..., Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runs.web.decided_calls.PAGE_LENGTH", 1)
    first, second = ask(WHERE), ask()
    control.answer(first.pk, by=owner, answer="Behind the shed.", surface=Surface.PAGE)
    control.answer(second.pk, by=staff, answer="red", surface=Surface.API)

    latest = browser_of(owner).get("/inbox/?tab=decided").content.decode()
    older = re.search(r'href="(/inbox/\?tab=decided&amp;before=[^"]+)"', latest)
    assert older is not None
    before = browser_of(owner).get(older[1].replace("&amp;", "&")).content.decode()
    empty = browser_of(owner).get("/inbox/").content.decode()

    assert "“red”" in latest and ">staff<" in "".join(latest.split()) and "Behind the shed." not in latest
    assert "“Behind the shed.”" in before and "Where?" in before and "“red”" not in before
    assert "All clear." in empty and "Answered <code>ask_person</code>" in empty


ORDER = {
    "type": "object",
    "$defs": {"Size": {"enum": ["S", "M"], "enumNames": ["Small", "Medium"]}},
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "plan": {
            "oneOf": [{"const": 1, "title": "The <b>first</b>"}, {"const": 2, "title": "The second"}],
            "default": 2,
        },
        "size": {"$ref": "#/$defs/Size"},
        "extras": {
            "type": "array",
            "items": {"anyOf": [{"const": "a", "title": "Apples"}, {"const": "b"}]},
            "minItems": 1,
        },
        "tags": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}, "default": ["y"]},
        "day": {"type": "string", "format": "date", "default": "2027-03-31"},
        "at": {"type": "string", "format": "date-time"},
        "mail": {"type": "string", "format": "email"},
        "site": {"type": "string", "format": "uri"},
        "gift": {"type": "boolean"},
        "place": {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]},
    },
    "required": ["name", "extras", "gift", "size"],
}


def test_a_form_has_the_input_of_each_value_its_default_and_its_bounds(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask(PersonQuestion(text="What?", form=ORDER))

    html = " ".join(browser_of(owner).get(page_of(question)).content.decode().split())

    for name, kind in {
        "day": "date",
        "at": "datetime-local",
        "mail": "email",
        "site": "url",
        "extras": "checkbox",
    }.items():
        assert re.search(rf'<input type="{kind}"[^>]* ?name="answer-{question.pk}-{name}"', html), name
    for shown in (
        "at least 2 characters", "at least 1 element", '<option value="2" selected>The second</option>',
        "The &lt;b&gt;first&lt;/b&gt;", "Medium", "Apples",
        'value="2027-03-31"', "&quot;street&quot;", "Time zone: UTC.",
    ):  # fmt: skip
        assert shown in html, shown
    assert re.search(r'value="&quot;y&quot;"[^>]* checked', html)
    assert html.count('<span class="optional small">required</span>') == 4
    assert '<option value="" selected>—</option>' in html, "Nobody has said yes to a gift yet."


def test_what_is_chosen_and_typed_in_a_form_is_the_answer_and_what_is_wrong_is_said_at_its_field(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    question = ask(PersonQuestion(text="What?", form=ORDER))
    browser = browser_of(owner)
    wrong = sent(question, name="", size='"M"', mail="ada", site="example", day="31.3.", gift="", place="{}")
    right = sent(
        question, name="Ada", plan="1", size='"S"', extras=['"a"', '"b"'], tags=[], day="2027-04-01",
        at="2027-04-01T09:30", mail="ada@example.org", site="https://example.org/", gift="false",
        place='{"street": "Main"}',
    )  # fmt: skip

    refused = browser.post(page_of(question), wrong)
    nested = browser.post(page_of(question), right | sent(question, place='{"street": 5}'))
    taken = browser.post(page_of(question), right)

    assert (refused.status_code, nested.status_code, taken.status_code) == (422, 422, 302)
    html = refused.content.decode()
    assert html.count("This field is required.") == 3, "The name, the extras and the gift."
    for told in ("not an e-mail address", "not an address with its scheme", "not a date"):
        assert told in html, told
    assert f'id="id_answer-{question.pk}-place_error"' in nested.content.decode()
    assert "street: " in nested.content.decode()
    assert "place.street" not in nested.content.decode()
    question.refresh_from_db()
    assert question.answer == {
        "name": "Ada", "plan": 1, "size": "S", "extras": ["a", "b"], "day": "2027-04-01",
        "at": "2027-04-01T09:30:00+00:00", "mail": "ada@example.org", "site": "https://example.org/", "gift": False,
        "place": {"street": "Main"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1},
        {
            "type": "object",
            "oneOf": [{"required": ["a"], "properties": {"a": {"type": "integer"}}}, {"required": ["b"]}],
        },
        {"type": "object", "patternProperties": {"^a": {"type": "integer"}}, "minProperties": 1},
    ],
)
def test_an_object_whose_members_are_not_named_is_typed_as_json(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question], form: dict[str, Any]
) -> None:
    question = ask(PersonQuestion(text="What?", form=form))
    browser = browser_of(owner)
    shown = browser.get(page_of(question)).content.decode()

    list_ = browser.post(page_of(question), {f"answer-{question.pk}-whole:": "[1]"})
    nothing = browser.post(page_of(question), {f"answer-{question.pk}-whole:": "{}"})
    right = browser.post(page_of(question), {f"answer-{question.pk}-whole:": '{"a": 1}'})

    assert "JSON object" in shown and "JSON Schema" in shown
    assert [each.status_code for each in (list_, nothing, right)] == [422, 422, 302]
    question.refresh_from_db()
    assert question.answer == {"a": 1}


def test_a_required_member_that_the_schema_does_not_describe_has_a_field(
    owner: User, browser_of: BrowserOf, ask: Callable[..., Question]
) -> None:
    form = {"type": "object", "properties": {}, "required": ["code"], "additionalProperties": True}
    question = ask(PersonQuestion(text="What?", form=form))

    browser_of(owner).post(page_of(question), sent(question, code='"x1"'))

    question.refresh_from_db()
    assert question.answer == {"code": "x1"}
