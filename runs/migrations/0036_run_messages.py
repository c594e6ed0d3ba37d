"""Messages of people to a run in progress, and the step of one that was read."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0035_agent_labels'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='interrupt_requested_at',
            field=models.DateTimeField(null=True, verbose_name='interrupt requested at'),
        ),
        migrations.AddField(
            model_name='run',
            name='messages_changed_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='queued_messages',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name='queued messages'),
        ),
        migrations.AlterField(
            model_name='step',
            name='kind',
            field=models.CharField(choices=[('reasoning', 'Reasoning'), ('tool_call', 'Tool call'), ('tool_result', 'Tool result'), ('answer', 'Answer'), ('retry', 'Retry'), ('race', 'Race'), ('error', 'Error'), ('approval', 'Approval'), ('message', 'Message'), ('note', 'Note')], max_length=12, verbose_name='kind'),
        ),
        migrations.CreateModel(
            name='RunMessage',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField(verbose_name='position')),
                ('text', models.TextField(verbose_name='text')),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('read', 'Read'), ('withdrawn', 'Withdrawn')], default='queued', max_length=9, verbose_name='state')),
                ('interrupts', models.BooleanField(default=False, verbose_name='interrupts')),
                ('key', models.CharField(max_length=255, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
                ('edited_at', models.DateTimeField(null=True, verbose_name='edited at')),
                ('read_at', models.DateTimeField(null=True, verbose_name='read at')),
                ('read_before_turn', models.PositiveIntegerField(null=True, verbose_name='read before turn')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='runs.run')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
                'ordering': ['run', 'position'],
                'constraints': [models.UniqueConstraint(fields=('run', 'position'), name='message_position'), models.UniqueConstraint(condition=models.Q(('key__isnull', False)), fields=('run', 'user', 'key'), name='message_key')],
            },
        ),
    ]
