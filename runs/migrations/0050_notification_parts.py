"""What notifications of alerts are made of, to say them in their reader's language."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0049_alert_rule_filters'),
    ]

    operations = [
        migrations.AddField(
            model_name='notification',
            name='parts',
            field=models.JSONField(default=dict),
        ),
    ]
