"""Messages in the place of others, and what people said while a run worked, as the page of a thread shows them."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client

from runs.models import Agent, Run, Step
from tests.web.conftest import HTMX
from tests.web.test_threads import entries, text

Browser = Callable[[User | None], Client]


def test_an_edited_message_has_the_same_past_and_stands_beside_the_other_one(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    second = say(owner, "and in miles?", after=first)
    client = browser_of(owner)

    form = text(client, f"/runs/{second.pk}/ask-again/", headers=HTMX)
    refused = client.post(f"/runs/{second.pk}/ask-again/", {"message": " "}, headers=HTMX)
    sent = client.post(f"/runs/{second.pk}/ask-again/", {"message": "and in feet?"}, headers=HTMX)
    root = client.post(f"/runs/{first.pk}/ask-again/", {"message": "half of 80"})

    assert "and in miles?" in form and "<html" not in form
    assert refused.status_code == 422
    edited = Run.objects.get(task="and in feet?")
    assert (edited.continues, edited.thread, edited.rerun_of) == (first, first.pk, None)
    assert sent["HX-Redirect"] == f"/threads/{first.pk}/?at={edited.pk}#run-{edited.pk}"
    other = Run.objects.get(task="half of 80")
    assert (other.continues, other.thread) == (None, first.pk) and f"at={other.pk}" in root["Location"]
    page = text(client, f"/threads/{first.pk}/")
    assert entries(page) == [str(other.pk)] and "2 of 2" in page and "Earlier messages were deleted" not in page


def test_run_again_asks_the_same_message_with_its_files_once_for_one_press(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    failed = say(owner, "and in miles?", after=first, status="failed", answer="", error={"code": "model_busy"})
    Step.objects.create(
        run=failed, sequence=1, epoch=1, kind="error", content="It is overloaded.", severity="error",
        suggested_action="Try again later.", metadata={"code": "model_busy", "context": {}},
    )  # fmt: skip
    client = browser_of(owner)

    page = text(client, f"/threads/{first.pk}/")
    for _ in range(2):
        client.post(f"/runs/{failed.pk}/ask-again/", {"once": "a1"})

    assert "It is overloaded." in page and "Try again later." in page and 'data-severity="error"' in page
    assert f'formaction="/runs/{failed.pk}/ask-again/"' in page and "Run again" in page
    [again] = Run.objects.filter(rerun_of=failed)
    assert (again.task, again.continues, again.thread) == ("and in miles?", first, first.pk)


def test_a_message_may_be_for_another_agent_which_has_its_own_configuration(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    first = say(owner, "half of 90")
    Agent.objects.create(name="Coder", model_names=["offline"], instructions="You code.")
    client = browser_of(owner)

    page = text(client, f"/threads/{first.pk}/")
    client.post(f"/runs/{first.pk}/continue/", {"message": "in Python", "agent": "Coder", "thread": "1"})
    unknown = client.post(f"/runs/{first.pk}/continue/", {"message": "x", "agent": "Nobody", "thread": "1"})

    assert "<option selected>Assistant</option>" in page and "<option>Coder</option>" in page
    follow_up = Run.objects.get(continues=first)
    assert follow_up.agent is not None and follow_up.agent.name == "Coder"
    assert follow_up.config["instructions"] == "You code."
    assert unknown.status_code == 422 and "There is no agent of that name." in unknown.content.decode()


def test_a_question_and_its_answer_and_a_decision_stand_between_the_work_before_and_after(
    owner: User, browser_of: Browser, say: Callable[..., Run]
) -> None:
    run = say(owner, "book a table", steps=9, answer="Booked.")
    Step.objects.filter(run=run, sequence__in=(3, 4, 6, 9)).delete()
    call = "b" * 32
    asks = {"question": {"kind": "text", "text": "For <how> many?"}, "asks": "answer", "effect": "pure"}
    answered = {"decision": "answered", "by": "owner", "reason": "", "question_id": "q", "answer": "Four"}
    denied = {"decision": "denied", "by": "owner", "reason": "Too late."}
    told = [(3, "approval", asks, "ask_person"), (4, "approval", answered, "ask_person")]
    told += [(6, "approval", denied, "send_mail"), (9, "answer", {}, "")]
    for sequence, kind, metadata, tool in told:
        Step.objects.create(
            run=run, sequence=sequence, epoch=1, kind=kind, call_id=call, tool_name=tool, content="x", metadata=metadata
        )

    page = text(browser_of(owner), f"/threads/{run.pk}/")

    order = [
        'data-fold="0"',
        "For &lt;how&gt; many?",
        "Four",
        'data-fold="4"',
        "send_mail",
        "Too late.",
        'data-fold="6"',
    ]
    assert [page.index(each) for each in order] == sorted(page.index(each) for each in order)
    assert f"/runs/{run.pk}/work/?after=0&amp;until=3" in page
