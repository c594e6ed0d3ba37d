"""Groups for what staff could do so far, and what a launch may ask for beyond its agent: nothing, unless the agent says.

Who was staff goes on as an operator. Superusers may everything anyway. Who had launched runs beside groups and
permissions of other applications gets that as a permission of their own.
"""

from itertools import chain, count
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SEEN = ["runs.view_run", "runs.view_step", "runs.view_toolcall", "runs.view_agent", "runs.view_models"]
OPERATOR = [*SEEN, "runs.launch_run", "runs.stop_run", "runs.decide_run", "runs.test_models"]
GROUPS = {
    "Operators": OPERATOR,
    "Auditors": [*SEEN, "runs.view_apitoken", "auth.view_user", "auth.view_group"],
    "Administrators": [
        *OPERATOR,
        *["runs.add_agent", "runs.change_agent", "runs.delete_agent", "runs.view_apitoken", "runs.change_apitoken"],
        *[f"auth.{verb}_{what}" for what in ["user", "group"] for verb in ["view", "add", "change", "delete"]],
    ],
}
MODELS = {
    "launch_run": "run",
    "stop_run": "run",
    "decide_run": "run",
    "view_models": "agent",
    "test_models": "agent",
}
"""Of the permissions that are not Django's own: where they belong, …"""
NAMES = {
    "launch_run": "Can launch runs",
    "stop_run": "Can stop and pause everybody's runs",
    "decide_run": "Can decide about everybody's tool calls",
    "view_models": "Can see the models page",
    "test_models": "Can test models",
}
"""… and their words."""
VERBOSE = {"toolcall": "tool call", "apitoken": "API token"}


def make_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor | None = None) -> None:
    """A group that is there already is somebody's own, and left as it is: ours then has another name."""
    for name in GROUPS:
        _group(apps, name)


def keep_what_people_had(apps: Apps, schema_editor: BaseDatabaseSchemaEditor | None = None) -> None:
    app, model = settings.AUTH_USER_MODEL.split(".")
    people = apps.get_model(app, model).objects.filter(is_superuser=False)
    operators = _group(apps, "Operators")
    for person in people.filter(is_staff=True):
        person.groups.add(operators)
    given_something = models.Q(groups__isnull=False) | models.Q(user_permissions__isnull=False)
    for person in people.filter(given_something, is_staff=False).distinct():
        person.user_permissions.add(_permission(apps, "runs.launch_run"))


def _group(apps: Apps, name: str) -> Any:
    """The group that has just these permissions, made now if there is none."""
    permissions = {_permission(apps, each) for each in GROUPS[name]}
    groups = apps.get_model("auth", "Group").objects
    names = chain([name, f"Agentsite {name}"], (f"Agentsite {name} {number}" for number in count(2)))
    taken = {group.name: set(group.permissions.all()) for group in groups.filter(name__contains=name)}
    group, is_new = groups.get_or_create(name=next(each for each in names if taken.get(each, permissions) == permissions))
    if is_new:
        group.permissions.set(permissions)
    return group


def _permission(apps: Apps, label: str) -> Any:
    # Django makes them only after the last migration; those it finds then it leaves alone.
    app, codename = label.split(".")
    verb, _, what = codename.partition("_")
    model = MODELS.get(codename, what)
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=model)
    name = NAMES.get(codename, f"Can {verb} {VERBOSE.get(what, what)}")
    permissions = apps.get_model("auth", "Permission").objects
    permission, _ = permissions.get_or_create(content_type=content_type, codename=codename, defaults={"name": name})
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0008_no_tools_is_none"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="launch_may_raise",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Nothing, unless it is ticked here: what the agent says is the most a launch may ask for. Whoever may change the agent may launch it with more.",
            ),
        ),
        migrations.AlterModelOptions(
            name="agent",
            options={
                "ordering": ["name"],
                "permissions": (("view_models", "Can see the models page"), ("test_models", "Can test models")),
            },
        ),
        migrations.AlterModelOptions(
            name="run",
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": (
                    ("launch_run", "Can launch runs"),
                    ("stop_run", "Can stop and pause everybody's runs"),
                    ("decide_run", "Can decide about everybody's tool calls"),
                ),
            },
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunPython(keep_what_people_had, migrations.RunPython.noop),
    ]
