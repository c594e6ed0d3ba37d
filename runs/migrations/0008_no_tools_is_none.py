"""Keep the meaning of agents without a list of tools: until now an empty list meant all of them, as null still does."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def empty_lists_mean_all(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    agents = apps.get_model("runs", "Agent").objects
    # Looked at here: whatever was not true meant all, and databases compare JSON in ways of their own.
    meant_all = [agent.pk for agent in agents.exclude(tools=None).only("tools") if not agent.tools]
    agents.filter(pk__in=meant_all).update(tools=None)


class Migration(migrations.Migration):
    dependencies = [("runs", "0007_settings_and_time_limits")]

    operations = [migrations.RunPython(empty_lists_mean_all, migrations.RunPython.noop)]
