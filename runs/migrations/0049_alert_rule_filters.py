"""Alert rules over the runs of a label and of a schedule. The index of runs by their end has both columns."""

import django.db.models.deletion
from django.db import migrations, models

import runs.models.covering_index
from runs.migrations._operations import AddCoveringIndex, RemoveCoveringIndex


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0048_alert_rule_owners'),
    ]

    operations = [
        migrations.AddField(
            model_name='alertrule',
            name='label',
            field=models.CharField(blank=True, default='', max_length=30, verbose_name='label'),
        ),
        migrations.AddField(
            model_name='alertrule',
            name='schedule',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alert_rules', to='runs.schedule', verbose_name='schedule'),
        ),
        RemoveCoveringIndex(
            model_name='run',
            name='run_by_end',
        ),
        AddCoveringIndex(
            model_name='run',
            index=runs.models.covering_index.CoveringIndex(condition=models.Q(('ended_at__isnull', False)), covers=('user', 'agent', 'status', 'active_ms', 'cost', 'cost_is_partial', 'tokens_used', 'version', 'schedule'), fields=['ended_at'], name='run_by_end'),
        ),
    ]
