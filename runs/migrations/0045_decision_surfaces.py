"""Where a call was decided, as questions have it; both also by a link in a mail, and in Slack."""

from django.db import migrations, models

SURFACES = [
    ("page", "on the run's page"),
    ("inbox", "in the inbox"),
    ("api", "over the API"),
    ("agui", "over AG-UI"),
    ("mcp", "over MCP"),
    ("terminal", "on the command line"),
    ("mail", "by a link in a mail"),
    ("slack", "in Slack"),
]


class Migration(migrations.Migration):
    dependencies = [("runs", "0044_alerts")]

    operations = [
        migrations.AddField(
            model_name="toolcall",
            name="surface",
            field=models.CharField(
                blank=True, choices=SURFACES, db_default="", default="", max_length=8, verbose_name="decided"
            ),
        ),
        migrations.AlterField(
            model_name="question",
            name="surface",
            field=models.CharField(blank=True, choices=SURFACES, default="", max_length=8, verbose_name="answered"),
        ),
    ]
