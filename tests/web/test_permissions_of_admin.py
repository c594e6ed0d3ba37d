"""Who may do what in the admin: its pages by the permissions of their model, and its actions."""

import pytest
from django.test import Client

from runs.models import (
    Run,
    ToolCall,
)
from tests.live.live_browser import session_of
from tests.web.admin_routes import EDITED, READ_ONLY
from tests.web.identities import PEOPLE, Identity, every_permission, single
from tests.web.permission_requests import of_what_asks_for_a_permission, surprises
from tests.web.permission_site import Site


# Versions are seen with the permissions of their agents.
@pytest.mark.parametrize("model", [*(each for each in READ_ONLY if each != "runs.agentversion"), *EDITED])
def test_the_admins_pages_of_a_model_open_by_its_own_permissions_and_by_no_others(site: Site, model: str) -> None:
    own = [each for each in every_permission() if each.split(".")[0] == model.split(".", maxsplit=1)[0]]
    own = [each for each in own if each.rpartition("_")[2] == model.split(".")[1]]
    others = tuple(each for each in every_permission() if each not in own)
    asked = list(of_what_asks_for_a_permission(model))

    found = [surprises(site, single(each), asked) for each in own]
    found.append(surprises(site, Identity(name="with all others", staff=True, permissions=others), asked))

    assert asked
    assert "\n".join(line for lines in found for line in lines) == ""


@pytest.mark.parametrize("identity", [each for each in PEOPLE if each.scopes is None], ids=lambda each: each.name)
def test_the_admins_actions_act_for_those_who_may_and_for_nobody_else(site: Site, identity: Identity) -> None:
    credential = identity.credential(identity.user(site.owner), session_of)
    client, run = Client(), site.asking.run
    client.cookies["sessionid"] = credential.get("session", "")
    opens = identity.has("staff") and identity.has("runs.view_run")
    chosen = {"_selected_action": str(run.pk)}

    client.post("/admin/runs/run/", {"action": "run_again", **chosen})
    launched = Run.objects.filter(rerun_of=run).exists()
    client.post("/admin/runs/run/", {"action": "stop_runs", **chosen})
    stopped = Run.objects.get(pk=run.pk).status == "cancelled"
    for model in ("runs/run", "runs/toolcall"):
        client.post(f"/admin/{model}/", {"action": "delete_selected", "post": "yes", **chosen})

    assert launched == (opens and identity.has("launches"))
    assert stopped == (opens and identity.has("runs.stop_run"))
    assert Run.objects.filter(pk=run.pk).exists() and ToolCall.objects.filter(pk=site.asking.pk).exists()


@pytest.mark.parametrize("permission", ["runs.stop_run", "runs.launch_run"])
def test_one_permission_gives_one_of_the_admins_actions(site: Site, permission: str) -> None:
    who = Identity(name="one", staff=True, permissions=("runs.view_run", permission))
    client, run = Client(), site.asking.run
    client.cookies["sessionid"] = who.credential(who.user(site.owner), session_of)["session"]

    for action in ("run_again", "stop_runs"):
        client.post("/admin/runs/run/", {"action": action, "_selected_action": str(run.pk)})

    stopped = Run.objects.get(pk=run.pk).status == "cancelled"
    launched = Run.objects.filter(rerun_of=run).exists()
    assert (stopped, launched) == (permission == "runs.stop_run", permission == "runs.launch_run")
