"""Schedules and their ticks, and which schedule launched a run."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0041_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ScheduleTick',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(verbose_name='due at')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('at_work', 'At work'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Stopped'), ('refused', 'Not launched'), ('skipped', 'Skipped'), ('missed', 'Missed')], max_length=9, verbose_name='state')),
                ('reason', models.TextField(blank=True, default='', verbose_name='reason')),
                ('reason_parts', models.JSONField(default=dict)),
                ('missed_until', models.DateTimeField(null=True)),
                ('missed_count', models.PositiveIntegerField(null=True)),
                ('is_by_hand', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
            ],
            options={
                'verbose_name': 'tick of a schedule',
                'verbose_name_plural': 'ticks of schedules',
                'ordering': ['-due_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('version', models.CharField(blank=True, default='', max_length=30, verbose_name='version')),
                ('inputs', models.JSONField(null=True)),
                ('task', models.TextField(blank=True, default='', verbose_name='task')),
                ('when', models.CharField(max_length=200, verbose_name='when')),
                ('cron', models.CharField(max_length=200, verbose_name='cron')),
                ('time_zone', models.CharField(max_length=64, verbose_name='time zone')),
                ('jitter_s', models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(86400)], verbose_name='jitter')),
                ('overlap', models.CharField(choices=[('skip', 'Skip the new run'), ('queue', 'Start the new run when the earlier one has ended'), ('stop', 'Stop the earlier run')], default='skip', max_length=5, verbose_name='overlap')),
                ('catch_up', models.CharField(choices=[('none', 'Leave them out'), ('latest', 'Run once'), ('all', 'Run all of them, up to a limit')], default='latest', max_length=6, verbose_name='missed runs')),
                ('most_caught_up', models.PositiveSmallIntegerField(default=10, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='most missed runs')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='ends at')),
                ('max_runs', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)], verbose_name='most runs')),
                ('stop_after', models.PositiveSmallIntegerField(blank=True, default=3, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='stop after failures')),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('stopped', 'Stopped after failures'), ('ended', 'Ended')], default='active', max_length=7, verbose_name='state')),
                ('state_note', models.CharField(blank=True, default='', max_length=200)),
                ('state_changed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('next_tick_at', models.DateTimeField(editable=False, null=True, verbose_name='next tick')),
                ('launch_at', models.DateTimeField(editable=False, null=True)),
                ('runs_launched', models.PositiveIntegerField(default=0, editable=False, verbose_name='runs launched')),
                ('failures', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='failures in a row')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('agent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='schedules', to='runs.agent', verbose_name='agent')),
                ('state_changed_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('template', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='schedules', to='runs.tasktemplate', verbose_name='template')),
                ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='schedules', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'schedule',
                'verbose_name_plural': 'schedules',
                'ordering': ['name', 'id'],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='schedule',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='runs.schedule', verbose_name='schedule'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('schedule__isnull', False)), fields=['schedule', '-created_at', '-id'], name='run_of_schedule'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('schedule__isnull', False), ('status__in', ['idle', 'thinking', 'executing', 'waiting'])), fields=['schedule'], name='run_of_schedule_unfinished'),
        ),
        migrations.AddField(
            model_name='scheduletick',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='scheduletick',
            name='run',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tick', to='runs.run', verbose_name='run'),
        ),
        migrations.AddField(
            model_name='scheduletick',
            name='schedule',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ticks', to='runs.schedule'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('launch_at__isnull', False)), fields=['launch_at'], name='schedule_due'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['name', 'id'], name='schedule_by_name'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['user', 'name', 'id'], name='schedule_of_user'),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('launch_at__isnull', False), ('next_tick_at__isnull', False), ('state', 'active')), models.Q(('launch_at__isnull', True), ('next_tick_at__isnull', True), ('state__in', ['paused', 'stopped', 'ended'])), _connector='OR'), name='schedule_is_active_or_not'),
        ),
        migrations.AddIndex(
            model_name='scheduletick',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['schedule'], name='tick_waiting'),
        ),
        migrations.AddIndex(
            model_name='scheduletick',
            index=models.Index(condition=models.Q(('state', 'at_work')), fields=['run'], name='tick_at_work'),
        ),
        migrations.AddConstraint(
            model_name='scheduletick',
            constraint=models.UniqueConstraint(fields=('schedule', 'due_at'), name='one_tick_per_due_time'),
        ),
    ]
