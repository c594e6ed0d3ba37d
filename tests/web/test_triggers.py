"""The pages of triggers: the list, the editor with its trial, the log, and replays."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from runs.engine import control
from runs.models import Agent, Delivery, Run, Trigger
from runs.throttle import Throttle
from runs.web import trigger_editor
from tests.trigger_senders import INPUTS, PUSH, SECRETS, TASK, json_of, make_template, make_trigger, signed

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _no_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: Callable[[User], Client]) -> Client:
    """The owner's browser."""
    return browser_of(owner)


def fields(agent: Agent, **more: str) -> dict[str, str]:
    """A filled form."""
    inputs = {f"input-{name}": text for name, text in INPUTS.items()}
    rules = {"header": "X-Signature-256", "algorithm": "sha256", "encoding": "hex", "prefix": "", "id_header": ""}
    about = {"name": "Pushes", "launches": f"agent-{agent.pk}", "version": "", "task": TASK, "filter": "", "secret": ""}
    return {**about, **inputs, **rules, "scheme": "github", "window_s": "300", "do": "save", **more}


def deliver(token: str, key: str = "1", body: Any = PUSH, secret: str = SECRETS["github"]) -> Any:
    """The response to a delivery."""
    sent = json_of(body)
    headers = signed(sent, secret=secret, key=key)
    return Client().post(f"/hooks/{token}", sent, content_type="application/json", headers=headers)


def text_of(response: Any) -> str:
    """The page as text, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_trigger_that_was_made_shows_its_address_once_and_launches(browser: Client, agent: Agent):
    made = browser.post("/triggers/new/", fields(agent))
    address, secret = (made.context[name] for name in ("address", "secret"))

    launched = deliver(urlsplit(address).path.rpartition("/")[2], secret=secret).json()

    trigger = Trigger.objects.get()
    page = browser.get(f"/triggers/{trigger.pk}/")
    assert address in made.content.decode() and secret in made.content.decode()
    assert address not in page.content.decode() and secret not in page.content.decode()
    assert launched["state"] == "launched"
    assert "Launched" in text_of(page) and Run.objects.get().task in text_of(page)
    assert made.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_a_new_trigger_begins_with_what_the_link_names(browser: Client, agent: Agent):
    template = make_template(agent)

    page = browser.get(f"/triggers/new/?launches=template-{template.pk}")

    assert [each.about.name for each in page.context["editor"].expressions] == list(INPUTS)
    assert browser.get("/triggers/new/?launches=template-999").context["editor"].expressions == []
    assert browser.get("/triggers/new/?launches=%F0%9F%A4%96-9e9").status_code == 200


def test_a_form_comes_back_with_each_fault_at_its_field_and_what_was_typed(browser: Client, agent: Agent):
    faulty = {"name": " ", "input-messages": "body.[", "filter": "nope(@)", "window_s": "-5", "version": "v9"}

    response = browser.post("/triggers/new/", fields(agent, **faulty))

    form = response.context["editor"]
    assert response.status_code == 422
    assert form.errors["name"] == ["Give it a name."]
    assert form.errors["inputs.messages"] == ["It ends too early."]
    assert form.errors["filter"] == ["There is no function nope."]
    assert {"window_s", "version"} <= form.errors.keys()
    assert 'value="body.["' in response.content.decode()
    assert not Trigger.objects.exists()


def test_without_an_agent_the_form_asks_for_one(browser: Client, agent: Agent):
    response = browser.post("/triggers/new/", fields(agent, launches=""))

    assert response.status_code == 422
    assert response.context["editor"].errors["launches"] == ["Choose an agent or a template."]


def test_a_change_keeps_address_and_secret(browser: Client, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)

    response = browser.post(f"/triggers/{trigger.pk}/edit/", fields(agent, filter="body.never"))

    assert (response.status_code, response.headers["Location"]) == (302, f"/triggers/{trigger.pk}/")
    assert deliver(token).json()["state"] == "filtered"


def test_another_task_shows_its_inputs(browser: Client, agent: Agent):
    shown = browser.post("/triggers/inputs/", fields(agent, task="{{ one }} {{ two }}"), headers=HTMX)
    template = browser.post(
        "/triggers/inputs/", fields(agent, launches=f"template-{make_template(agent).pk}"), headers=HTMX
    )

    assert re.findall(r'name="input-(\w+)"', shown.content.decode()) == ["one", "two"]
    assert re.findall(r'name="input-(\w+)"', template.content.decode()) == list(INPUTS)
    assert "<textarea" not in template.content.decode()


def test_a_payload_is_tried_and_nothing_is_launched(browser: Client, agent: Agent):
    payload = json_of(PUSH).decode()
    push = {"payload": payload, "sample_headers": "X-GitHub-Event: push\nX-Hub-Signature-256: x"}

    wanted = browser.post(
        "/triggers/try/", fields(agent, **push, filter="headers.\"x-github-event\" == 'push'"), headers=HTMX
    )
    filtered = browser.post(
        "/triggers/try/", fields(agent, **push, filter='headers."x-hub-signature-256"'), headers=HTMX
    )

    assert "A run would be launched." in text_of(wanted)
    assert "Summarize what was pushed to octo/tides: First; Second" in text_of(wanted)
    assert "Filtered out" in text_of(filtered)
    assert not Run.objects.exists()


def test_the_fault_of_an_expression_is_put_at_its_field(browser: Client, agent: Agent):
    tried = browser.post(
        "/triggers/try/", fields(agent, payload="{}", **{"input-messages": "length(body.n)"}), headers=HTMX
    ).content.decode()

    at_field = tried[tried.index('id="id_input-messages_error"') :].partition("</div>")[0]
    assert "The function length takes string, array, object here, not null." in at_field
    assert 'hx-swap-oob="true"' in at_field


@pytest.mark.parametrize(
    "payload", ["{", "[" * 5000, '"' + "x" * 600_000 + '"', "NaN"], ids=["cut", "deep", "long", "nan"]
)
def test_a_payload_that_cannot_be_read_is_told_at_its_field(payload: str, browser: Client, agent: Agent):
    tried = browser.post("/triggers/try/", fields(agent, payload=payload), headers=HTMX)

    assert tried.status_code == 200
    assert "The payload cannot be read." in text_of(tried)


def test_the_text_of_a_payload_is_no_html(browser: Client, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent, task="{{ text }}", inputs={"text": "body.text"})
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202eabc"
    deliver(token, body={"text": evil, "type": evil})
    delivery = Delivery.objects.get()

    payload = json_of({"repository": {"full_name": evil}}).decode()
    pages = [
        browser.get(f"/triggers/{trigger.pk}/"),
        browser.get(f"/triggers/{trigger.pk}/deliveries/{delivery.uid}/"),
        browser.get(f"/triggers/{trigger.pk}/edit/"),
        browser.post("/triggers/try/", fields(agent, task="{{ repository }}", payload=payload), headers=HTMX),
    ]

    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode() and "<img" not in page.content.decode()


def test_a_delivery_shows_its_payload_and_is_replayed(browser: Client, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)
    deliver(token)
    first = Delivery.objects.get()

    page = browser.get(f"/triggers/{trigger.pk}/deliveries/{first.uid}/")
    replayed = browser.post(f"/triggers/{trigger.pk}/deliveries/{first.uid}/replay/", follow=True)

    assert "octo/tides" in text_of(page)
    assert "Replay of" in text_of(replayed) and Run.objects.count() == 2
    Delivery.objects.update(payload="", headers={})
    gone = browser.post(f"/triggers/{trigger.pk}/deliveries/{first.uid}/replay/", follow=True)
    assert "no longer kept" in text_of(gone) and Run.objects.count() == 2


def test_the_reason_is_told_in_the_language_of_the_page(browser: Client, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)
    deliver(token, body={"commits": []})

    page = browser.get(f"/triggers/{trigger.pk}/", headers={"Accept-Language": "de"})

    assert "A value is needed here." not in text_of(page)
    assert "repository" in text_of(page)


def test_address_and_secret_are_replaced_on_their_pages(browser: Client, owner: User, agent: Agent):
    trigger, token = make_trigger(owner, agent=agent)

    address = browser.post(f"/triggers/{trigger.pk}/address/").context["address"]
    refused = browser.post(f"/triggers/{trigger.pk}/secret/", {"secret": "short"})
    secret = browser.post(f"/triggers/{trigger.pk}/secret/", {"secret": ""}).context["secret"]
    given = browser.post(f"/triggers/{trigger.pk}/secret/", {"secret": "a secret of ours", "keeps_old": "on"})

    new = urlsplit(address).path.rpartition("/")[2]
    assert (refused.status_code, given.status_code) == (422, 302)
    assert deliver(token).status_code == 404
    assert [deliver(new, "a", secret=each).status_code for each in (SECRETS["github"], secret, "a secret of ours")] == [
        404,
        202,
        202,
    ]


def test_another_persons_trigger_is_not_there(
    browser_of: Callable[[User], Client], owner: User, staff: User, agent: Agent
):
    trigger, token = make_trigger(owner, agent=agent)
    deliver(token)
    log = f"/triggers/{trigger.pk}/deliveries/{Delivery.objects.get().uid}/"
    eve = browser_of(staff)

    seen = [
        eve.get(f"/triggers/{trigger.pk}/"),
        eve.get(f"/triggers/{trigger.pk}/edit/"),
        eve.get(log),
        eve.post(f"{log}replay/"),
    ]
    seen += [eve.post(f"/triggers/{trigger.pk}/{verb}/") for verb in ("pause", "resume", "address", "secret", "delete")]
    taken = eve.post("/triggers/payload/", {"taken": str(Delivery.objects.get().uid)}, headers=HTMX)

    assert {each.status_code for each in seen} == {404}
    assert "octo/tides" not in text_of(taken)
    assert "Pushes" not in text_of(eve.get("/triggers/"))
    assert Run.objects.count() == 1 and not Trigger.objects.get().is_paused


def test_a_run_leads_to_the_delivery_that_launched_it_and_the_list_filters_by_the_trigger(
    browser: Client,
    browser_of: Callable[[User], Client],
    owner: User,
    staff: User,
    agent: Agent,
    make_run: Callable[..., Run],
):
    trigger, token = make_trigger(owner, agent=agent)
    deliver(token)
    run, other = Run.objects.get(), make_run(owner)

    link = f"/triggers/{trigger.pk}/deliveries/{Delivery.objects.get().uid}/"
    listed = browser.get(f"/runs/?trigger={trigger.pk}").content.decode()
    wrong = browser.get("/runs/?trigger=nonsense")

    assert link in browser.get(f"/runs/{run.pk}/").content.decode()
    assert link not in browser_of(staff).get(f"/runs/{run.pk}/").content.decode()
    assert f'data-run-row="{run.pk}"' in listed and f'data-run-row="{other.pk}"' not in listed
    assert wrong.status_code == 200


def test_the_page_of_an_agent_lists_the_persons_triggers_of_it(
    browser: Client, browser_of: Callable[[User], Client], owner: User, staff: User, agent: Agent
):
    trigger, _token = make_trigger(owner, agent=agent)

    assert f"/triggers/{trigger.pk}/" in browser.get(f"/agents/{agent.pk}/").content.decode()
    assert f"/triggers/{trigger.pk}/" not in browser_of(staff).get(f"/agents/{agent.pk}/").content.decode()


def test_the_palette_finds_a_trigger_by_its_name(browser: Client, owner: User, agent: Agent):
    trigger, _token = make_trigger(owner, agent=agent)

    assert f"/triggers/{trigger.pk}/" in browser.get("/palette/?q=push").content.decode()


def test_trials_are_limited(browser: Client, agent: Agent, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trigger_editor, "TRIALS", Throttle("trials-of-test", limit=1, window_s=60))

    tried = [text_of(browser.post("/triggers/try/", fields(agent, payload="{}"), headers=HTMX)) for _ in range(2)]

    assert "too often" not in tried[0]
    assert "too often" in tried[1]


def test_a_deleted_trigger_is_gone_from_the_list(browser: Client, owner: User, agent: Agent):
    trigger, _token = make_trigger(owner, agent=agent)
    control.pause_trigger(trigger.pk, by=owner)

    before = text_of(browser.get("/triggers/"))
    browser.post(f"/triggers/{trigger.pk}/delete/")

    assert "Paused" in before
    assert "No triggers yet" in text_of(browser.get("/triggers/"))
