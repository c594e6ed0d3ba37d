"""How the request of an API's operation is made, as it is and as it was approved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0030_server_sign_ins")]

    operations = [
        migrations.AddField(model_name="storedtool", name="request", field=models.JSONField(default=dict)),
        migrations.AddField(model_name="storedtool", name="approved_request", field=models.JSONField(null=True)),
    ]
