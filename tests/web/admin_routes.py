"""The rules of the matrix for the pages of the admin."""

from collections.abc import Iterator

from tests.web.rules import EVERYBODY, LAUNCHES, NOT_HERE, Methods, Rule, staff

READ_ONLY = (
    "runs.agentversion",
    "runs.agentlabel",
    "runs.labelmove",
    "runs.tasktemplate",
    "runs.run",
    "runs.thread",
    "runs.step",
    "runs.toolcall",
    "runs.runmessage",
    "runs.alertevent",
    "runs.alertrule",
    "runs.notificationchannel",
    "runs.notificationrule",
    "runs.notificationdelivery",
    "runs.schedule",
    "runs.scheduletick",
    "runs.trigger",
    "runs.delivery",
    "runs.apitoken",
    "runs.webhook",
    "runs.webhookevent",
)
EDITED = ("runs.agent", "auth.user", "auth.group")


def _admin_of(model: str) -> Iterator[tuple[str, Methods]]:
    app, name = model.split(".")
    # Versions, labels and templates are seen by people who may read agents, messages by those who may see steps,
    # threads, webhooks and triggers by those who may see runs.
    seen = {
        **dict.fromkeys(("agentversion", "agentlabel", "labelmove", "tasktemplate"), "agent"),
        "runmessage": "step",
        **dict.fromkeys(("thread", "webhook", "webhookevent", "schedule", "scheduletick"), "run"),
        **dict.fromkeys(("notificationchannel", "notificationrule", "notificationdelivery"), "run"),
        **dict.fromkeys(("trigger", "delivery", "alertrule", "alertevent"), "run"),
    }.get(name, name)
    sees = (f"{app}.view_{seen}|{app}.change_{seen}", 403)

    def may(verb: str) -> Rule:
        return Rule(403, (("staff", 302),)) if model in READ_ONLY else staff(200, (f"{app}.{verb}_{name}", 403))

    add = may("add")
    if model == "auth.user":
        # A new account leads to its permissions: Django asks for both. The person may launch, too.
        add = staff(200, ("auth.add_user", 403), ("auth.change_user", 403), LAUNCHES)
        # With a password one could act as its person, here the owner.
        owners = [(f"runs.{verb}_run", 403) for verb in ("view", "stop", "decide")]
        password = staff(200, ("auth.change_user", 403), *owners, LAUNCHES)
        yield "admin:auth_user_password_change", {"GET": password, "POST": password}
    here = f"admin:{app}_{name}"
    yield f"{here}_changelist", {"GET": staff(200, sees), "POST": staff(200, sees)}
    yield f"{here}_add", {"GET": add, "POST": add}
    yield f"{here}_change", {"GET": staff(200, sees), "POST": may("change")}
    yield f"{here}_delete", {"GET": may("delete"), "POST": may("delete")}
    yield f"{here}_history", {"GET": staff(200, sees), "POST": staff(200, sees)}
    # Redirects to the object's page.
    yield f"admin:admin/{app}/{name}/<path:object_id>/", {"GET": staff(302), "POST": staff(302)}


def _any_of_runs() -> str:
    """The facts that open the list of our models: a permission for one of them that its admin does not refuse."""
    sees = [
        f"runs.{verb}_{each.split('.')[1]}" for each in (*READ_ONLY[1:], "runs.agent") for verb in ("view", "change")
    ]
    return "|".join([*sees, "runs.add_agent", "runs.delete_agent"])


ADMIN: dict[str, Methods] = {
    "admin:index": {"GET": staff(), "POST": staff()},
    "admin:login": {"GET": Rule(302, (("staff", 200),)), "POST": Rule(422)},
    "admin:logout": {"GET": staff(405), "POST": Rule(302)},
    # Redirects to the page for one's own password, the same for everybody.
    "admin:password_change": {"GET": Rule(302), "POST": Rule(302)},
    "admin:password_change_done": {"GET": staff()},
    # Without naming what to complete.
    "admin:autocomplete": {"GET": staff(403), "POST": staff(405)},
    "admin:jsi18n": {"GET": staff()},
    "admin:view_on_site": {"GET": staff(404), "POST": staff(404)},
    "admin:app_list": {"GET": staff(200, (_any_of_runs(), 404)), "POST": staff(200, (_any_of_runs(), 404))},
    "admin:admin/(?P<url>.*)$": {"GET": staff(404), "POST": staff(404)},
    **{name: methods for model in (*READ_ONLY, *EDITED) for name, methods in _admin_of(model)},
}
ODDITIES: dict[tuple[str, str], Rule] = {
    # Redirects signed-in people on GET only.
    ("admin:login", "HEAD"): EVERYBODY,
    ("admin:login", "PUT"): Rule(422),
    **{("admin:login", method): NOT_HERE for method in ("PATCH", "DELETE")},
    **{
        (f"admin:{name}", method): staff(405)
        for name in ("password_change_done", "jsi18n", "autocomplete")
        for method in ("POST", "PUT", "PATCH", "DELETE")
    },
}
"""Django's own views, which handle other methods in ways of their own. None changes anything."""
