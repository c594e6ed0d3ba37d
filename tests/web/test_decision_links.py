"""Decision links: one person decides about one call by a signed address, without a sign-in."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client
from django.utils import timezone

from runs.agent.redaction.redactor import redacted
from runs.engine import control
from runs.engine.control import decision_links
from runs.models import Question, Run, Step, Surface, ToolCall
from runs.web import decision_links as page
from tests.web.identities import permission_of
from tests.web.waiting_fixtures import Ask, address

APPROVES = {"decision": "approve"}


@pytest.fixture
def strict() -> Client:
    """A browser without a session, of a site that checks CSRF tokens."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def stranger(strict: Client) -> Iterator[Client]:
    """The same under a name that says what it stands for."""
    yield strict
    assert "sessionid" not in strict.cookies


def link_of(user: User, call: ToolCall) -> str:
    """The path of the page of a new link."""
    return decision_links.path_of(decision_links.sign(user, call.run_id, call.pk))


def shown(call: ToolCall, **fields: str) -> dict[str, str]:
    """The fields of the form on the page."""
    return {"arguments_hash": call.arguments_hash, **fields}


def test_a_link_is_hidden_in_logs_and_in_what_a_run_records(owner: User, ask: Ask) -> None:
    path = link_of(owner, ask(owner))

    assert redacted(f"Service Unavailable: {path}") == "Service Unavailable: /decide/[hidden]/"


def test_reading_a_link_shows_the_whole_call_and_decides_nothing(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner, to="bob <b@example.org>", extra={"page": 7})
    path = link_of(owner, call)

    for method in (stranger.get, stranger.head, stranger.get):
        response = method(path)

    assert response.status_code == 200
    text = response.content.decode()
    assert "bob &lt;b@example.org&gt;" in text and "wants to run" in text and "as <strong>owner</strong>" in text
    assert 'value="approve"' in text and 'value="deny"' in text
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"] and response["X-Robots-Tag"] == "noindex"
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_a_person_approves_by_a_link_and_the_row_the_step_and_every_page_say_so(
    owner: User, staff: User, stranger: Client, browser_of: Callable[[User], Client], ask: Ask
) -> None:
    call = ask(owner)
    path = link_of(owner, call)

    response = stranger.post(path, shown(call, **APPROVES))
    after = stranger.get(response["Location"]).content.decode()

    assert (response.status_code, response["Location"]) == (303, path)
    call.refresh_from_db()
    assert (call.state, call.decided_by, call.surface) == ("approved", owner, Surface.MAIL)
    step = Step.objects.filter(run=call.run).latest("sequence")
    assert (step.metadata["by"], step.metadata["surface"]) == ("owner", "mail")
    assert "Approved by <strong>owner</strong> by a link in a mail" in after and 'value="approve"' not in after
    assert "by a link in a mail" in browser_of(owner).get(f"/runs/{call.run_id}/").content.decode()
    assert "by a link in a mail" in browser_of(owner).get("/inbox/?tab=decided").content.decode()
    late = browser_of(staff).post(address(call, "deny"), shown(call))
    assert late.status_code == 409 and "already approved by owner, by a link in a mail" in late.content.decode()


def test_a_denial_by_a_link_tells_the_agent_why(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner)

    stranger.post(link_of(owner, call), shown(call, decision="deny", reason="Not\x00 him."))

    call.refresh_from_db()
    assert (call.state, call.decision_reason) == ("denied", "Not him.")


def test_an_approval_by_a_link_can_be_undone_by_it_in_its_grace(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner)
    path = link_of(owner, call)
    stranger.post(path, shown(call, **APPROVES))

    assert 'value="undo"' in stranger.get(path).content.decode()
    response = stranger.post(path, {"decision": "undo"})

    assert response.status_code == 303
    call.refresh_from_db()
    assert (call.state, call.surface) == ("awaiting_approval", "")
    assert 'value="approve"' in stranger.get(path).content.decode()


def test_who_comes_second_by_a_link_is_told_who_was_first_and_where(
    owner: User, staff: User, stranger: Client, ask: Ask
) -> None:
    call = ask(owner)
    path = link_of(owner, call)
    control.deny(call.pk, by=staff, arguments_hash=call.arguments_hash, surface=Surface.INBOX)

    response = stranger.post(path, shown(call, **APPROVES))

    text = response.content.decode()
    assert response.status_code == 409
    assert "already denied by staff, in the inbox" in text and "Nothing was changed." in text
    assert "Denied by <strong>staff</strong> in the inbox" in text


def test_a_second_press_of_the_same_link_is_no_refusal(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner)
    path = link_of(owner, call)

    statuses = [stranger.post(path, shown(call, **APPROVES)).status_code for _ in range(2)]

    assert statuses == [303, 303]
    assert Step.objects.filter(run=call.run).decisions().count() == 1


def test_a_run_that_was_stopped_has_nothing_to_decide_by_its_links(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner)
    path = link_of(owner, call)
    control.cancel(call.run_id, by=owner)

    read, sent = stranger.get(path), stranger.post(path, shown(call, **APPROVES))

    assert (read.status_code, sent.status_code) == (200, 409)
    assert 'value="approve"' not in read.content.decode()


def test_a_form_that_says_nothing_or_has_another_content_type_decides_nothing(
    owner: User, stranger: Client, ask: Ask
) -> None:
    call = ask(owner)
    path = link_of(owner, call)

    nothing = stranger.post(path, {})
    other = stranger.post(path, {"decision": "explode"})
    typed = stranger.post(path, '{"decision": "approve"}', content_type="application/json")
    unread = stranger.post(path, APPROVES)

    assert [each.status_code for each in (nothing, other, typed, unread)] == [422, 422, 422, 409]
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_a_forged_cut_foreign_or_long_token_is_no_link(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner)
    token = decision_links.sign(owner, call.run_id, call.pk)
    theirs = [owner.pk, call.run_id.hex, call.pk.hex, call.arguments_hash, "0" * 16]
    tokens = [
        token[:-1],
        token[1:],
        token.replace(token[3], "_", 1),
        token.rpartition(":")[0] + ":" + "A" * 43,
        signing.dumps(theirs, salt="another"),
        "x" * 5000,
        "ä:b:c",
        str(uuid4()),
    ]

    answers = [stranger.post(decision_links.path_of(each), shown(call, **APPROVES)) for each in tokens]

    assert {each.status_code for each in answers} == {404}
    assert "This link is not complete" in answers[0].content.decode()
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def _inactive(owner: User, _call: ToolCall) -> None:
    owner.is_active = False
    owner.save()


def _with_another_password(owner: User, _call: ToolCall) -> None:
    owner.set_password("another good password")
    owner.save()


def _asked_for_something_else(_owner: User, call: ToolCall) -> None:
    ToolCall.objects.filter(pk=call.pk).update(arguments_hash="0" * 64)


def _gone(_owner: User, call: ToolCall) -> None:
    Run.objects.filter(pk=call.run_id).delete()


def _of_another_person(_owner: User, call: ToolCall) -> None:
    Run.objects.filter(pk=call.run_id).update(user=User.objects.create_user("new-owner"))


@pytest.mark.parametrize(
    "change", [_inactive, _with_another_password, _asked_for_something_else, _gone, _of_another_person]
)
def test_a_link_ends_with_what_it_was_made_for(
    owner: User, stranger: Client, ask: Ask, change: Callable[[User, ToolCall], None]
) -> None:
    call = ask(owner, to="a secret address")
    path = link_of(owner, call)

    change(owner, call)

    for response in (stranger.get(path), stranger.post(path, shown(call, **APPROVES))):
        assert response.status_code == 410
        assert "a secret address" not in response.content.decode()
    assert not ToolCall.objects.filter(state="approved").exists()


def test_the_link_of_a_person_ends_when_they_may_not_decide_any_more(
    owner: User, other: User, stranger: Client, ask: Ask
) -> None:
    call = ask(owner)
    rights = [permission_of("runs.view_run"), permission_of("runs.decide_run")]
    other.user_permissions.set(rights)
    path = link_of(other, call)

    before = stranger.get(path).status_code
    other.user_permissions.remove(rights[1])

    assert (before, stranger.get(path).status_code) == (200, 410)
    assert stranger.post(path, shown(call, **APPROVES)).status_code == 410


def test_a_link_expires_after_its_hours(
    owner: User, stranger: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ask(owner)
    path = link_of(owner, call)

    monkeypatch.setattr(decision_links, "lifetime", lambda: timedelta(seconds=-1))
    response = stranger.post(path, shown(call, **APPROVES))

    assert response.status_code == 410 and "This link has expired" in response.content.decode()
    call.refresh_from_db()
    assert call.state == "awaiting_approval"


def test_a_call_whose_deadline_has_passed_is_decided_by_its_agents_rules(
    owner: User, stranger: Client, ask: Ask
) -> None:
    call = ask(owner)
    path = link_of(owner, call)
    ToolCall.objects.filter(pk=call.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    response = stranger.post(path, shown(call, **APPROVES))

    call.refresh_from_db()
    assert (response.status_code, call.state, call.decided_by) == (409, "denied", None)
    assert "Nobody decided in time" in response.content.decode()


def test_a_link_shows_nothing_of_whoever_is_signed_in_and_decides_as_its_own_person(
    owner: User, other: User, browser_of: Callable[[User], Client], ask: Ask
) -> None:
    call = ask(owner)
    browser = browser_of(other)

    text = browser.get(link_of(owner, call)).content.decode()
    browser.post(link_of(owner, call), shown(call, **APPROVES))

    assert "data-signed-in" not in text and "other" not in text.split("<main", 1)[1]
    call.refresh_from_db()
    assert call.decided_by == owner


def test_arguments_too_long_for_any_page_can_only_be_denied(owner: User, stranger: Client, ask: Ask) -> None:
    call = ask(owner, to="x" * (1024 * 1024 + 1))
    path = link_of(owner, call)

    text = stranger.get(path).content.decode()
    approved = stranger.post(path, shown(call, **APPROVES))
    denied = stranger.post(path, shown(call, decision="deny"))

    assert 'value="approve"' not in text and len(text) < 100_000
    assert (approved.status_code, denied.status_code) == (422, 303)


def test_guesses_and_floods_are_stopped(owner: User, stranger: Client, ask: Ask) -> None:
    guesses = [stranger.get(f"/decide/{number}/").status_code for number in range(page.WRONG_TOKENS.limit + 1)]
    path = link_of(owner, ask(owner))
    sent = [stranger.post(path, {}).status_code for _ in range(page.DECISIONS.limit + 1)]

    assert guesses == [404] * page.WRONG_TOKENS.limit + [429]
    assert sent == [422] * page.DECISIONS.limit + [429]


@pytest.fixture
def choose(ask: Ask) -> Callable[[User], Question]:
    """`choose(user)`: a question with two choices that waits for an answer."""

    def asked(user: User) -> Question:
        call = ask(user)
        ToolCall.objects.filter(pk=call.pk).update(state="awaiting_answer", started_at=timezone.now())
        Run.objects.filter(pk=call.run_id).update(waiting_for="answer")
        return Question.objects.create(
            id=uuid4(), call=call, round=1, kind="choice", text="Which <one>?", choices=["red", "blue"],
            asked_at=timezone.now(),
        )  # fmt: skip

    return asked


def test_a_question_is_answered_by_a_link_and_a_later_answer_is_told_who_was_first(
    owner: User, staff: User, stranger: Client, choose: Callable[[User], Question]
) -> None:
    question = choose(owner)
    path, later = link_of(owner, question.call), link_of(staff, question.call)
    name = f"answer-{question.pk}-answer"

    read = stranger.get(path).content.decode()
    wrong = stranger.post(path, {name: '"green"'})
    given = stranger.post(path, {name: '"blue"'})
    second = stranger.post(later, {name: '"red"'})

    assert "Which &lt;one&gt;?" in read and f'name="{name}"' in read
    assert [each.status_code for each in (wrong, given, second)] == [422, 303, 409]
    question.refresh_from_db()
    assert (question.answer, question.answered_by, question.surface) == ("blue", owner, Surface.MAIL)
    assert "owner answered this by a link in a mail" in second.content.decode()
    assert "Answered by <strong>owner</strong> by a link in a mail" in stranger.get(path).content.decode()
