"""The status of every address for every identity: the rules of the matrix. An address without a rule fails its test."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.web.admin_routes import ADMIN, ODDITIES
from tests.web.alert_routes import ALERT_API, ALERT_PAGES
from tests.web.notification_routes import NOTIFICATION_API, NOTIFICATION_PAGES
from tests.web.rules import EVERYBODY, LAUNCHES, NOT_HERE, TYPED, Methods, Rule, api, page, run_page
from tests.web.slack_routes import SLACK_API, SLACK_PAGES
from tests.web.webhook_routes import WEBHOOK_API, WEBHOOK_PAGES

SEES, STOPS, DECIDES = ("sees", 404), ("stops", 403), ("decides", 403)
OWNS, LAUNCHES_404 = ("owns", 404), ("launches", 404)
SEES_AGENTS = ("launches|runs.view_agent|runs.add_agent", 404)
SEES_TEMPLATES = (SEES_AGENTS[0], 403)
READS_AGENTS = ("runs.view_agent|runs.change_agent", 404)
ADDS_AGENTS, CHANGES_AGENTS = ("runs.add_agent", 404), ("runs.change_agent", 404)
API_READS, API_ADDS, API_CHANGES = ((fact, 403) for fact, _status in (READS_AGENTS, ADDS_AGENTS, CHANGES_AGENTS))

PAGES: dict[str, Methods] = {
    "runs:dashboard": {"GET": page()},
    "runs:history": {"GET": page(), "POST": Rule(302, (TYPED, LAUNCHES))},
    # Without an action. Of each run the rules of the single actions hold: tests/web/test_run_bulk.py.
    "runs:bulk": {"POST": page(400)},
    "runs:run-columns": {"POST": page(302)},
    # Without a name.
    "runs:save-view": {"POST": page(302)},
    # The owner's view, without a new name.
    "runs:change-view": {"POST": page(302, ("owns", 404))},
    "runs:export": {"GET": page()},
    # The person's own triggers.
    "runs:triggers": {"GET": page()},
    # The POST has no fields.
    "runs:new-trigger": {"GET": page(200, LAUNCHES_404), "POST": page(422, LAUNCHES_404)},
    "runs:trigger-inputs": {"POST": page(200, LAUNCHES_404)},
    "runs:try-trigger": {"POST": page(200, LAUNCHES_404)},
    "runs:trigger-payload": {"POST": page(200, LAUNCHES_404)},
    "runs:trigger": {"GET": page(200, OWNS)},
    "runs:edit-trigger": {"GET": page(200, LAUNCHES_404, OWNS), "POST": page(422, LAUNCHES_404, OWNS)},
    "runs:pause-trigger": {"POST": page(302, OWNS)},
    "runs:resume-trigger": {"POST": page(302, OWNS)},
    "runs:trigger-token": {"POST": page(200, OWNS)},
    # It has no secret.
    "runs:trigger-secret": {"GET": page(200, OWNS), "POST": page(422, OWNS)},
    "runs:delete-trigger": {"POST": page(302, OWNS)},
    "runs:delivery": {"GET": page(200, OWNS)},
    "runs:replay-delivery": {"POST": page(302, OWNS)},
    "runs:launch": {"GET": page(200, LAUNCHES)},
    "runs:model-notes": {"GET": page()},
    "runs:launch-versions": {"GET": page(200, ("launches", 404))},
    "runs:launch-agent": {"GET": page(200, ("launches", 404))},
    "runs:run": {"GET": run_page()},
    # Without before= or after=.
    "runs:steps": {"GET": run_page(400)},
    # For a run without steps.
    "runs:rest": {"GET": run_page(404)},
    "runs:step": {"GET": run_page()},
    "runs:search-run": {"GET": run_page()},
    # Without a filter.
    "runs:tree": {"GET": run_page()},
    "runs:jump": {"GET": run_page(404)},
    "runs:shape": {"GET": run_page()},
    "runs:timeline": {"GET": run_page()},
    "runs:similar-failures": {"GET": run_page()},
    "runs:call": {"GET": run_page()},
    "runs:cancel": {"POST": run_page(302, STOPS)},
    "runs:force": {"POST": run_page(302, STOPS)},
    "runs:pause": {"POST": run_page(302, STOPS)},
    "runs:stop-retrying": {"POST": run_page(302, STOPS)},
    "runs:resume": {"POST": run_page(302, STOPS, LAUNCHES)},
    "runs:try-now": {"POST": run_page(302, STOPS, LAUNCHES)},
    "runs:continue": {"POST": Rule(302, (TYPED, SEES, LAUNCHES))},
    "runs:ask-again": {"GET": run_page(200, LAUNCHES), "POST": run_page(302, LAUNCHES)},
    "runs:rerun": {"POST": run_page(302, LAUNCHES)},
    # Each with a call of the owner's that waits; `DECIDING` says whether it is decided.
    "runs:approve": {"POST": run_page(302, DECIDES)},
    "runs:deny": {"POST": run_page(302, DECIDES)},
    "runs:settle": {"POST": run_page(302, DECIDES)},
    # The token is none; test_decision_links.py has good ones.
    "runs:decide": {"GET": Rule(404), "POST": Rule(404)},
    # With a question of the owner's that waits for an answer.
    "runs:answer": {"GET": run_page(), "POST": run_page(302, DECIDES)},
    # It was never approved.
    "runs:undo": {"POST": run_page(409, DECIDES)},
    # The run has ended.
    "runs:messages": {"POST": Rule(409, (TYPED, SEES, DECIDES))},
    # A message of the owner's that was not read.
    "runs:message": {"GET": run_page(200, DECIDES), "POST": Rule(302, (TYPED, SEES, DECIDES))},
    "runs:withdraw-message": {"POST": run_page(302, DECIDES)},
    "runs:follow-up-message": {"POST": run_page(302, LAUNCHES)},
    "runs:run-work": {"GET": run_page()},
    "runs:threads": {"GET": page()},
    # Of a thread one sees one's own runs; here all are the owner's.
    "runs:thread": {"GET": run_page()},
    "runs:thread-run": {"GET": run_page()},
    # Without an action. A star is one's own; the rest is for those who wrote in it: tests/web/test_thread_marks.py.
    "runs:change-thread": {"POST": run_page(400)},
    # Without an action. Of each thread the rules of a single one hold: tests/web/test_thread_bulk.py.
    "runs:change-threads": {"POST": page(400)},
    # Without a name.
    "runs:files": {"POST": page(422, LAUNCHES)},
    # The owner's, given to the owner's run.
    "runs:file": {"GET": run_page()},
    "runs:file-preview": {"GET": run_page()},
    # It is complete already.
    "runs:file-content": {"POST": page(200, ("owns", 404))},
    # Without a name.
    "runs:libraries": {"GET": page(200, SEES_AGENTS), "POST": page(422, SEES_AGENTS, CHANGES_AGENTS)},
    # Without a file.
    "runs:library": {"GET": page(200, SEES_AGENTS), "POST": page(302, SEES_AGENTS, CHANGES_AGENTS)},
    "runs:delete-library": {"POST": page(302, CHANGES_AGENTS)},
    # The document is in no library.
    "runs:delete-document": {"POST": page(302, CHANGES_AGENTS)},
    # Without a file.
    "runs:skills": {"GET": page(200, SEES_AGENTS), "POST": page(422, SEES_AGENTS, CHANGES_AGENTS)},
    "runs:skill": {"GET": page(200, SEES_AGENTS)},
    "runs:delete-skill": {"POST": page(302, CHANGES_AGENTS)},
    "runs:palette": {"GET": page()},
    # Without an address.
    "runs:palette-used": {"POST": page(400)},
    "runs:search": {"GET": page()},
    "runs:inbox": {"GET": page()},
    "runs:inbox-count": {"GET": page()},
    "runs:inbox-decide": {"POST": page(302)},
    "runs:agents": {"GET": page(200, SEES_AGENTS)},
    "runs:agent": {"GET": page(200, SEES_AGENTS)},
    # Nothing was typed, and there is no file.
    "runs:agent-versions": {"GET": page(200, READS_AGENTS)},
    "runs:agent-version": {"GET": page(200, READS_AGENTS)},
    "runs:compare-versions": {"GET": page(200, READS_AGENTS)},
    "runs:restore-version": {"POST": page(302, CHANGES_AGENTS)},
    "runs:change-label": {"POST": page(302, CHANGES_AGENTS)},
    "runs:archive-agent": {"POST": page(302, CHANGES_AGENTS)},
    "runs:new-agent": {"GET": page(200, ADDS_AGENTS), "POST": page(422, ADDS_AGENTS)},
    "runs:edit-agent": {"GET": page(200, CHANGES_AGENTS), "POST": page(422, CHANGES_AGENTS)},
    **ALERT_PAGES,
    "runs:schedules": {"GET": page()},
    "runs:new-schedule": {"GET": page(200, ("launches", 404)), "POST": page(422, ("launches", 404))},
    # Without words.
    "runs:preview-schedule": {"GET": page()},
    # The owner's. Nobody else changes what it launches; nothing was typed.
    "runs:schedule": {"GET": page(200, SEES)},
    "runs:edit-schedule": {
        "GET": page(200, SEES, ("owns", 403), LAUNCHES),
        "POST": page(422, SEES, ("owns", 403), LAUNCHES),
    },
    "runs:pause-schedule": {"POST": page(302, SEES, STOPS)},
    "runs:resume-schedule": {"POST": page(302, SEES, STOPS, LAUNCHES)},
    "runs:run-schedule": {"POST": page(302, SEES, STOPS, LAUNCHES)},
    "runs:delete-schedule": {"POST": page(302, SEES, STOPS)},
    "runs:templates": {"GET": page(200, SEES_AGENTS)},
    # Nothing was typed.
    "runs:new-template": {"GET": page(200, CHANGES_AGENTS), "POST": page(422, CHANGES_AGENTS)},
    "runs:edit-template": {"GET": page(200, CHANGES_AGENTS), "POST": page(422, CHANGES_AGENTS)},
    "runs:delete-template": {"POST": page(302, CHANGES_AGENTS)},
    # No tool was named.
    "runs:tool-rule": {"POST": page(302, CHANGES_AGENTS)},
    "runs:import-agents": {"GET": page(200, ADDS_AGENTS), "POST": page(422, ADDS_AGENTS)},
    "runs:tools": {"GET": page(200, SEES_AGENTS)},
    # The calculator.
    "runs:tool": {"GET": page(200, SEES_AGENTS)},
    "runs:tool-sources": {"GET": page(200, CHANGES_AGENTS), "POST": page(422, CHANGES_AGENTS)},
    "runs:tool-source": {"GET": page(200, CHANGES_AGENTS)},
    "runs:check-tool-source": {"POST": page(302, CHANGES_AGENTS)},
    "runs:change-tool-source": {"POST": page(302, CHANGES_AGENTS)},
    "runs:remove-tool-source": {"POST": page(302, CHANGES_AGENTS)},
    # Where each person signs in, everybody who may launch is offered it (test_server_sign_ins.py).
    "runs:sign-in-source": {"GET": page(200, CHANGES_AGENTS), "POST": page(200, CHANGES_AGENTS)},
    "runs:sign-out-source": {"POST": page(302, CHANGES_AGENTS)},
    # There is no server of that key; test_server_sign_ins.py tests one.
    "runs:signed-in-source": {"GET": page(404)},
    "runs:client-document": {"GET": Rule(404)},
    # Without a document.
    "runs:tool-apis": {"GET": page(200, CHANGES_AGENTS), "POST": page(422, CHANGES_AGENTS)},
    "runs:tool-api": {"GET": page(200, CHANGES_AGENTS)},
    "runs:replace-tool-api": {"POST": page(422, CHANGES_AGENTS)},
    # Without an address.
    "runs:set-up-tool-api": {"POST": page(422, CHANGES_AGENTS)},
    "runs:change-tool-api": {"POST": page(302, CHANGES_AGENTS)},
    "runs:remove-tool-api": {"POST": page(302, CHANGES_AGENTS)},
    "runs:try-tool": {"POST": page(422, CHANGES_AGENTS)},
    "runs:export-agents": {"GET": page(200, READS_AGENTS)},
    "runs:export-agent": {"GET": page(200, READS_AGENTS)},
    "runs:models": {"GET": page(200, ("runs.view_models", 404))},
    # The model does not exist; test_models_page.py tests existing ones.
    "runs:test-model": {"POST": page(404, ("runs.test_models", 404))},
    # There is no model to test but the offline planner.
    "runs:styleguide": {"GET": page(200, ("staff", 404))},
    "runs:test-models": {"POST": page(302, ("runs.test_models", 404))},
    "runs:model-progress": {"GET": page(200, ("runs.view_models", 404))},
    "runs:tokens": {"GET": page(), "POST": page(422)},
    # With the owner's token.
    "runs:revoke-token": {"POST": page(302, ("owns", 404))},
    **WEBHOOK_PAGES,
    **SLACK_PAGES,
    **NOTIFICATION_PAGES,
    "runs:password": {"GET": page(), "POST": page(422)},
    "runs:login": {"GET": Rule(302, (("session", 200),)), "POST": Rule(302, (("session", 422),))},
    "runs:logout": {"POST": Rule(302)},
    # For anybody; without a language it is refused.
    "runs:language": {"POST": Rule(400)},
    # There is an account, so the link for the first one has ended.
    "runs:first_sign_in": {"GET": Rule(410), "POST": Rule(410)},
    "runs:healthz": {"GET": EVERYBODY},
    # No process of the tests hosts runs, and no token for the metrics is set.
    "runs:readyz": {"GET": Rule(503)},
    "runs:metrics": {"GET": Rule(404)},
}
API: dict[str, Methods] = {
    **ALERT_API,
    **NOTIFICATION_API,
    **SLACK_API,
    "api:list_runs": {"GET": api("read", 200), "POST": api("launch", 201, LAUNCHES)},
    "api:get_run": {"GET": api("read", 200, SEES)},
    "api:list_steps": {"GET": api("read", 200, SEES)},
    "api:export_run": {"GET": api("read", 200, SEES)},
    "api:cancel_run": {"POST": api("launch", 200, SEES, STOPS)},
    "api:force_run": {"POST": api("launch", 200, SEES, STOPS)},
    # A completed run can be neither paused nor resumed.
    "api:pause_run": {"POST": api("launch", 409, SEES, STOPS)},
    "api:resume_run": {"POST": api("launch", 409, SEES, STOPS, LAUNCHES)},
    "api:run_again": {"POST": api("launch", 201, SEES, LAUNCHES)},
    "api:continue_run": {"POST": api("launch", 201, SEES, LAUNCHES)},
    "api:list_threads": {"GET": api("read", 200)},
    # Of a thread one sees one's own runs; here all are the owner's.
    "api:get_thread": {"GET": api("read", 200, SEES), "PATCH": api("launch", 200, SEES)},
    # Without a message.
    "api:list_thread_runs": {"GET": api("read", 200, SEES), "POST": api("launch", 422)},
    "api:list_calls": {"GET": api("read", 200)},
    "api:list_questions": {"GET": api("read", 200)},
    "api:get_question": {"GET": api("read", 200, SEES)},
    "api:answer_question": {"POST": api("approve", 200, SEES, DECIDES)},
    "api:list_messages": {
        "GET": api("read", 200, SEES),
        # The run has ended.
        "POST": api("launch", 409, SEES, DECIDES),
    },
    # A message of the owner's that was not read.
    "api:edit_message": {"PATCH": api("launch", 200, SEES, DECIDES), "DELETE": api("launch", 200, SEES, DECIDES)},
    "api:approve_call": {"POST": api("approve", 200, SEES, DECIDES)},
    "api:deny_call": {"POST": api("approve", 200, SEES, DECIDES)},
    "api:settle_call": {"POST": api("approve", 200, SEES, DECIDES)},
    # It was never approved.
    "api:undo_approval": {"POST": api("approve", 409, SEES, DECIDES)},
    "api:run_agent": {"POST": api("read", 200, ("scope launch", 403), LAUNCHES)},
    "api:upload_file": {"POST": api("launch", 201, LAUNCHES)},
    # The owner's, given to the owner's run.
    "api:get_file": {"GET": api("read", 200, SEES)},
    # It is complete already.
    "api:get_file_content": {"GET": api("read", 200, SEES), "POST": api("launch", 200, ("owns", 404))},
    "api:list_files": {"GET": api("read", 200, SEES)},
    "api:list_agents": {"GET": api("read", 200, SEES_TEMPLATES), "POST": api("edit", 201, API_ADDS)},
    "api:get_agent": {"GET": api("read", 200, SEES_TEMPLATES), "PATCH": api("edit", 200, API_CHANGES)},
    "api:duplicate_agent": {"POST": api("edit", 201, API_ADDS, API_READS)},
    # The default agent.
    "api:archive_agent": {"POST": api("edit", 422, API_CHANGES)},
    "api:unarchive_agent": {"POST": api("edit", 200, API_CHANGES)},
    "api:list_versions": {"GET": api("read", 200, API_READS)},
    "api:get_version": {"GET": api("read", 200, API_READS)},
    "api:restore_version": {"POST": api("edit", 200, API_CHANGES)},
    "api:compare_versions": {"GET": api("read", 200, API_READS)},
    "api:list_labels": {"GET": api("read", 200, SEES_TEMPLATES)},
    "api:set_label": {"PUT": api("edit", 200, API_CHANGES), "DELETE": api("edit", 204, API_CHANGES)},
    "api:export_agent": {"GET": api("read", 200, API_READS)},
    "api:export_agents": {"GET": api("read", 200, API_READS)},
    "api:import_agents": {"POST": api("edit", 200, API_ADDS)},
    "api:list_tools": {"GET": api("read", 200)},
    "api:list_templates": {
        "GET": api("read", 200, SEES_TEMPLATES),
        "POST": api("edit", 201, API_CHANGES),
    },
    "api:get_template": {
        "GET": api("read", 200, SEES_TEMPLATES),
        "PATCH": api("edit", 200, API_CHANGES),
        "DELETE": api("edit", 204, API_CHANGES),
    },
    "api:fill_template": {"POST": api("read", 200, SEES_TEMPLATES)},
    **WEBHOOK_API,
    "api:list_schedules": {"GET": api("read", 200), "POST": api("launch", 201, LAUNCHES)},
    "api:get_schedule": {
        "GET": api("read", 200, SEES),
        "PATCH": api("launch", 200, SEES, ("owns", 403), LAUNCHES),
        "DELETE": api("launch", 204, SEES, STOPS),
    },
    "api:pause_schedule": {"POST": api("launch", 200, SEES, STOPS)},
    "api:resume_schedule": {"POST": api("launch", 200, SEES, STOPS, LAUNCHES)},
    "api:run_schedule": {"POST": api("launch", 201, SEES, STOPS, LAUNCHES)},
    "api:list_schedule_ticks": {"GET": api("read", 200, SEES)},
    "api:list_triggers": {"GET": api("read", 200), "POST": api("launch", 201, LAUNCHES)},
    "api:try_trigger": {"POST": api("read", 200, LAUNCHES)},
    "api:get_trigger": {
        "GET": api("read", 200, OWNS),
        "PATCH": api("launch", 200, LAUNCHES, OWNS),
        "DELETE": api("launch", 204, OWNS),
    },
    "api:pause_trigger": {"POST": api("launch", 200, OWNS)},
    "api:resume_trigger": {"POST": api("launch", 200, OWNS)},
    "api:rotate_trigger_address": {"POST": api("launch", 200, OWNS)},
    # It has no secret.
    "api:rotate_trigger_secret": {"POST": api("launch", 422, OWNS)},
    "api:list_deliveries": {"GET": api("read", 200, OWNS)},
    "api:get_delivery": {"GET": api("read", 200, OWNS)},
    "api:replay_delivery": {"POST": api("launch", 201, OWNS, LAUNCHES)},
    # Without a signature it is not found.
    "hook": {"GET": NOT_HERE, "POST": Rule(404)},
    "slack-hook": {"GET": NOT_HERE, "POST": Rule(404)},
    # A cookie is not enough. The request of the tests is no JSON.
    "mcp": {"GET": NOT_HERE, "POST": Rule(400, (("token", 401),))},
    "api:openapi": {"GET": EVERYBODY},
    "api:reference": {"GET": EVERYBODY},
    "api:no-such-address": {method: Rule(404) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
    "no-such-api": {method: Rule(404) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
}
API["api:launch_run"] = API["api:list_runs"]
API["api:change_thread"] = API["api:get_thread"]
API["api:write_in_thread"] = API["api:list_thread_runs"]
API["api:send_message"] = API["api:list_messages"]
API["api:withdraw_message"] = API["api:edit_message"]
API["api:add_file_content"] = API["api:get_file_content"]
API["api:create_agent"] = API["api:list_agents"]
API["api:change_agent"] = API["api:get_agent"]
API["api:remove_label"] = API["api:set_label"]
API["api:create_schedule"] = API["api:list_schedules"]
API["api:change_schedule"] = API["api:delete_schedule"] = API["api:get_schedule"]
API["api:create_trigger"] = API["api:list_triggers"]
API["api:change_trigger"] = API["api:delete_trigger"] = API["api:get_trigger"]
API["api:create_template"] = API["api:list_templates"]
API["api:change_template"] = API["api:delete_template"] = API["api:get_template"]
"""The same URLs under the names of their other methods."""

OURS = {"admin/login/": "admin:login", "admin/password_change/": "admin:password_change"}
"""Our pages that replace pages of the admin, by address."""
RULES: dict[str, Methods] = {**PAGES, **API, **ADMIN, **{ours: ADMIN[name] for ours, name in OURS.items()}}
DECIDING: dict[str, tuple[str, ...]] = {
    **{
        f"runs:{name}": ("session", "sees", "decides")
        for name in ("approve", "deny", "settle", "inbox-decide", "answer")
    },
    **{f"api:{name}_call": ("scope approve", "sees", "decides") for name in ("approve", "deny", "settle")},
    "api:answer_question": ("scope approve", "sees", "decides"),
}
"""Addresses that decide a call of the owner's, with the fact needed: the inbox answers everybody the same."""
SOCKETS: dict[str, Rule] = {
    "ws/runs/<uuid:run_id>/": Rule(0, (("session", 4401), ("sees", 4404))),
    "ws/dashboard/": Rule(0, (("session", 4401),)),
    "": Rule(4404),
}
"""By route: the close code of a socket, 0 for none."""


def rule_for(name: str, method: str) -> Rule:
    """The rule for a method: HEAD is as GET, unnamed methods are 405."""
    name = OURS.get(name, name)
    methods = RULES[name]
    if (name, method) in ODDITIES:
        return ODDITIES[name, method]
    method = "GET" if method == "HEAD" else method
    if method in methods:
        return methods[method]
    if name.startswith("admin:"):
        # Django's admin handles every method but POST as GET.
        return methods["GET"]
    return NOT_HERE


@cache
def addresses() -> dict[str, str]:
    """Every address of the site by its name; addresses without a name by themselves. Not to be changed."""
    return dict(_addresses(get_resolver()))


def _addresses(resolver: Any, names: str = "", route: str = "") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield f"{names}{pattern.name or here}", here
        elif isinstance(pattern, URLResolver):
            namespace = f"{names}{pattern.namespace}:" if pattern.namespace else names
            yield from _addresses(pattern, namespace, here)
