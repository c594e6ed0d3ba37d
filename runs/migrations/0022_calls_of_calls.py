"""A call that another call makes has the place of that one, and a position in it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0021_files")]

    operations = [
        migrations.AlterModelOptions(
            name="toolcall",
            options={
                "ordering": ["run", "turn", "index", "position"],
                "verbose_name": "tool call",
                "verbose_name_plural": "tool calls",
            },
        ),
        migrations.RemoveConstraint(model_name="toolcall", name="tool_call_place"),
        # With a default of the database: processes of the version before go on inserting calls.
        migrations.AddField(
            model_name="toolcall",
            name="position",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="position"),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.UniqueConstraint(fields=["run", "turn", "index", "position"], name="tool_call_place"),
        ),
    ]
