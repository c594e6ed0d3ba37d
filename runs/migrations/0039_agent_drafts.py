"""Runs that try a draft of an agent, and the drafts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0038_threads'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='draft_base',
            field=models.PositiveIntegerField(null=True, verbose_name='draft of version'),
        ),
        migrations.CreateModel(
            name='AgentDraft',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='draft', serialize=False, to='runs.run')),
                ('config', models.JSONField()),
                ('message', models.CharField(blank=True, default='', max_length=200)),
                ('is_default', models.BooleanField(default=False)),
                ('seen', models.CharField(blank=True, default='', max_length=40)),
            ],
            options={
                'verbose_name_plural': 'drafts of agents',
            },
        ),
    ]
