"""Questions of tool calls to people, and runs that wait for an answer."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0024_skills'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('round', models.PositiveSmallIntegerField(verbose_name='round')),
                ('kind', models.CharField(choices=[('text', 'Text'), ('choice', 'Choice'), ('form', 'Form')], max_length=6, verbose_name='kind')),
                ('text', models.TextField(verbose_name='question')),
                ('choices', models.JSONField(default=list)),
                ('schema', models.JSONField(null=True)),
                ('default', models.JSONField(null=True)),
                ('resume_state', models.JSONField(null=True)),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('expires_at', models.DateTimeField(null=True, verbose_name='expires at')),
                ('state', models.CharField(choices=[('open', 'Open'), ('answered', 'Answered'), ('expired', 'Not answered in time'), ('withdrawn', 'Withdrawn')], default='open', max_length=9, verbose_name='state')),
                ('answer', models.JSONField(null=True)),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered at')),
                ('surface', models.CharField(blank=True, choices=[('page', "on the run's page"), ('inbox', 'in the inbox'), ('api', 'over the API'), ('agui', 'over AG-UI'), ('mcp', 'over MCP'), ('terminal', 'on the command line')], default='', max_length=8, verbose_name='answered')),
            ],
            options={
                'verbose_name': 'question',
                'verbose_name_plural': 'questions',
                'ordering': ['asked_at', 'id'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='run',
            name='run_is_hosted_or_not',
        ),
        migrations.AlterField(
            model_name='run',
            name='waiting_for',
            field=models.CharField(blank=True, choices=[('approval', 'Approval'), ('decision', 'Decision'), ('retry', 'Retry'), ('resume', 'Paused'), ('answer', 'Answer')], default='', max_length=10, verbose_name='waiting for'),
        ),
        migrations.AlterField(
            model_name='toolcall',
            name='state',
            field=models.CharField(choices=[('proposed', 'Proposed'), ('awaiting_approval', 'Awaiting approval'), ('awaiting_answer', 'Awaiting an answer'), ('approved', 'Approved'), ('denied', 'Denied'), ('started', 'Started'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('unknown', 'Outcome unknown')], default='proposed', max_length=17, verbose_name='state'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('owner__isnull', False), ('status__in', ['thinking', 'executing']), ('waiting_for', '')), models.Q(('owner__isnull', False), ('status', 'waiting'), ('waiting_for', 'retry')), models.Q(('lease_until__isnull', True), ('owner__isnull', True), ('status', 'waiting'), ('waiting_for__in', ['approval', 'decision', 'resume', 'answer'])), models.Q(('lease_until__isnull', True), ('owner__isnull', True), ('status__in', ['idle', 'completed', 'failed', 'cancelled']), ('waiting_for', '')), _connector='OR'), name='run_is_hosted_or_not'),
        ),
        migrations.AddField(
            model_name='question',
            name='answered_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to=settings.AUTH_USER_MODEL, verbose_name='answered by'),
        ),
        migrations.AddField(
            model_name='question',
            name='call',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='runs.toolcall'),
        ),
        migrations.AddIndex(
            model_name='question',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['asked_at', 'id'], name='question_open'),
        ),
        migrations.AddIndex(
            model_name='question',
            index=models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'open')), fields=['expires_at'], name='question_deadline'),
        ),
        migrations.AddIndex(
            model_name='question',
            index=models.Index(condition=models.Q(('answered_at__isnull', False)), fields=['answered_at', 'id'], name='question_answered'),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.UniqueConstraint(fields=('call', 'round'), name='question_round'),
        ),
    ]
