"""Give a new installation an agent that works without keys or network."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def add_default_agent(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("runs", "Agent").objects.get_or_create(
        name="Assistant",
        defaults={
            "description": "Plans by rules and works with the built-in tools. Needs no key and no network.",
            "instructions": "Solve the task with the tools you have. Say what you did. Do not guess.",
            "model_names": ["offline"],
            "is_default": True,
        },
    )


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]

    operations = [migrations.RunPython(add_default_agent, migrations.RunPython.noop)]
