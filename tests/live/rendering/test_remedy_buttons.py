"""Errors offer remedies: the launch form, filled in from the run and with one change."""

import json
import re
import uuid

import pytest

from runs.live.rendering import fragments
from runs.models import Run, Step
from tests.markup import flat


def card(code: str, **fields) -> str:
    about = {"content": "It failed.", "severity": "warning", "metadata": {"code": code, **fields.pop("about", {})}}
    return fragments.step_html(Step(run_id=uuid.UUID(int=1), sequence=7, kind="error", **about | fields))


def value_of(html: str, name: str) -> str:
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', html).group()
    return re.search(r'value="([^"]*)"', tag).group(1)


@pytest.mark.parametrize(
    ("code", "label", "change"),
    [
        ("model_timeout", "Run again with more time", "model_timeout_s"),
        ("model_idle_timeout", "Run again with more time", "idle_timeout_s"),
        ("model_overloaded", "Use another model", "model"),
        ("model_auth", "Use another model", "model"),
        ("limit_max_turns", "Allow more turns", "max_turns"),
        ("limit_max_calls", "Allow more tool calls", "max_calls"),
        ("limit_max_duration_s", "Allow more time", "max_duration_s"),
        ("limit_max_tokens", "Allow more tokens", "max_tokens"),
        ("limit_max_cost_usd", "Allow it to cost more", "max_cost_usd"),
        ("invalid_input", "Edit &amp; run again", "edit"),
        ("no_such_code", "Edit &amp; run again", "edit"),
    ],
)
def test_an_error_offers_what_may_help_first_and_editing_always(code, label, change):
    html = flat(card(code))

    links = re.findall(r'<a class="button[^"]*" href="(/runs/new/[^"]*)">([^<]*)</a>', html)
    assert links[0] == (f"/runs/new/?from={uuid.UUID(int=1)}&amp;change={change}", label)
    assert links[-1][1] == "Edit &amp; run again"


def test_an_error_says_which_limit_was_met():
    html = card("model_timeout", about={"context": {"limit": "idle_timeout_s", "limit_s": 30.0, "model": "m1"}})

    assert "idle_timeout_s, 30.0 s" in html
    assert "m1" in html


def open_form(browser_of, user, run, change=""):
    return browser_of(user).get(f"/runs/new/?from={run.pk}&change={change}")


@pytest.fixture
def failed(make_run, owner):
    """A run that failed, and was launched with limits of its own."""
    run: Run = make_run(owner, status="failed", task="half of <90>")
    run.config = run.config | {
        "max_turns": 5,
        "max_calls": 3,
        "max_duration_s": 60,
        "max_tokens": 1000,
        "max_cost_usd": "0.25",
    }
    run.save(update_fields=["config"])
    return run


@pytest.fixture
def failed_late(failed):
    """A failed run with equal timeouts for the whole reply, the first token and each later token."""
    failed.config["model_timeout_s"] = 120
    failed.save(update_fields=["config"])
    return failed


def test_the_form_has_the_task_and_the_configuration_of_the_run(browser_of, owner, failed):
    html = open_form(browser_of, owner, failed, "edit").content.decode()

    assert "half of &lt;90&gt;</textarea>" in html
    assert [value_of(html, name) for name in ("max_turns", "max_seconds", "max_tokens")] == ["5", "60", "1000"]
    assert value_of(html, "max_cost_usd") == "0.25"
    assert 'class="changed"' not in html


@pytest.mark.parametrize(
    ("change", "field", "value", "words"),
    [
        ("max_turns", "max_turns", "10", "Was 5"),
        ("max_calls", "max_calls", "6", "Was 3"),
        ("max_duration_s", "max_seconds", "120", "Was 60"),
        ("max_tokens", "max_tokens", "2000", "Was 1000"),
        ("max_cost_usd", "max_cost_usd", "0.5", "Was 0.25"),
        ("idle_timeout_s", "idle_timeout_s", "240", "Was 120"),
    ],
)
def test_a_limit_is_doubled_and_marked(browser_of, owner, failed, change, field, value, words):
    html = open_form(browser_of, owner, failed, change).content.decode()

    assert value_of(html, field) == value
    assert re.search(rf'name="{field}"[^>]*aria-describedby="id_{field}_changed[" ]', html)
    assert html.count('class="changed"') == 1 and words in html


def test_the_limit_of_a_whole_reply_is_doubled_and_marked(browser_of, owner, failed_late):
    html = open_form(browser_of, owner, failed_late, "model_timeout_s").content.decode()

    assert value_of(html, "model_timeout_s") == "240"
    assert re.search('name="model_timeout_s"[^>]*aria-describedby="id_model_timeout_s_changed[ "]', html)
    assert html.count('class="changed"') == 1 and "Was 120" in html


@pytest.mark.parametrize("change", ["first_token_timeout_s", "idle_timeout_s"])
def test_a_reply_is_waited_for_longer_than_a_part_of_it(browser_of, owner, failed_late, change):
    html = open_form(browser_of, owner, failed_late, change).content.decode()

    assert [value_of(html, name) for name in (change, "model_timeout_s")] == ["240", "240"]
    assert html.count('class="changed"') == 2


def test_another_model_is_chosen(browser_of, owner, failed, monkeypatch):
    endpoint = {"name": "local", "base_url": "http://127.0.0.1:9/v1", "models": ["m1"]}
    monkeypatch.setenv("AGENTSITE_ENDPOINTS", json.dumps([endpoint]))

    html = open_form(browser_of, owner, failed, "model").content.decode()

    assert value_of(html, "model") == "local/m1"
    assert "Was offline" in html


def test_where_there_is_no_other_model_the_form_says_so(browser_of, owner, failed):
    html = open_form(browser_of, owner, failed, "model").content.decode()

    assert value_of(html, "model") == ""
    assert "no other is set up here" in html


@pytest.mark.parametrize("change", ["", "nonsense", "<script>"])
def test_an_unknown_change_changes_nothing(browser_of, owner, failed, change):
    html = open_form(browser_of, owner, failed, change).content.decode()

    assert value_of(html, "max_turns") == "5"
    assert 'class="changed"' not in html


def test_another_users_run_is_not_there(browser_of, other, failed):
    assert open_form(browser_of, other, failed).status_code == 404
    assert browser_of(other).post("/runs/", {"task": "x", "from": str(failed.pk)}).status_code == 404


@pytest.mark.parametrize("name", ["nonsense", str(uuid.UUID(int=4))])
def test_a_run_that_is_not_there_is_not_found(browser_of, owner, agent, name):
    assert browser_of(owner).get(f"/runs/new/?from={name}").status_code == 404


def test_the_new_run_remembers_the_one_it_came_from(browser_of, owner, failed):
    browser_of(owner).post("/runs/", {"task": "half of 90", "from": str(failed.pk), "model_timeout_s": "240"})

    again = Run.objects.get(rerun_of=failed)
    assert again.config["model_timeout_s"] == 240


def test_an_edited_copy_keeps_what_the_form_does_not_show(browser_of, owner, failed):
    launched_with = {"models": ["offline", "openai:m1"], "strategy": "race", "tools": ["calculator"]}
    failed.config = failed.config | launched_with
    failed.save(update_fields=["config"])
    browser = browser_of(owner)

    browser.post("/runs/", {"task": "again", "from": failed.pk, "agent": failed.agent.name, "model": "offline"})
    browser.post("/runs/", {"task": "other", "from": failed.pk, "agent": failed.agent.name})

    again, other = Run.objects.get(task="again").config, Run.objects.get(task="other").config
    assert {name: again[name] for name in launched_with} == launched_with
    assert {name: other[name] for name in launched_with} == launched_with | {"models": ["offline"]}


def test_a_form_with_errors_keeps_where_it_came_from(browser_of, owner, failed):
    response = browser_of(owner).post("/runs/", {"task": "", "from": str(failed.pk)})

    assert response.status_code == 422
    assert f'name="from" value="{failed.pk}"' in response.content.decode()


@pytest.mark.parametrize("button", ["try-now", "stop-retrying"])
def test_a_run_that_waits_for_no_attempt_is_left_as_it_is(browser_of, owner, failed, button):
    response = browser_of(owner).post(f"/runs/{failed.pk}/{button}/", headers={"HX-Request": "true"})

    assert response.status_code == 204
    assert "Nothing was changed" in response.headers["HX-Trigger"]


@pytest.mark.parametrize("button", ["try-now", "stop-retrying"])
def test_nobody_hurries_another_users_run(browser_of, other, failed, button):
    assert browser_of(other).post(f"/runs/{failed.pk}/{button}/").status_code == 404
    assert browser_of(other).get(f"/runs/{failed.pk}/{button}/").status_code == 405


def test_only_a_run_that_waits_for_an_attempt_offers_to_hurry(make_run, owner):
    waiting = make_run(owner, status="waiting", waiting_for="retry")
    working = make_run(owner, status="thinking")

    assert "/try-now/" in fragments.state_html(waiting)
    assert "/stop-retrying/" in fragments.state_html(waiting)
    assert "/try-now/" not in fragments.state_html(working)


@pytest.mark.parametrize(
    ("code", "main"),
    [
        ("model_auth", "Open Models"),
        ("limit_max_turns", "Resume with more turns"),
        ("model_overloaded", "Resume"),
        ("bad_output", "Edit &amp; run again"),
    ],
)
def test_an_error_has_one_main_action_the_one_that_can_help(code, main):
    html = flat(card(code))

    assert re.findall(r'<(?:a|button) class="button button-primary"[^>]*>([^<]*)<', html) == [main]
