"""Notifications: channels, rules, what they tell, and its deliveries."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0045_decision_surfaces'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('event', models.CharField(max_length=24, verbose_name='event')),
                ('run_epoch', models.PositiveIntegerField(default=0)),
                ('key', models.CharField(max_length=200)),
                ('title', models.CharField(blank=True, default='', max_length=200)),
                ('text', models.TextField(blank=True, default='')),
                ('path', models.CharField(blank=True, default='', max_length=500)),
                ('in_page', models.BooleanField(default=True)),
                ('due_at', models.DateTimeField(verbose_name='due at')),
                ('seen_at', models.DateTimeField(null=True, verbose_name='seen at')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='runs.run', verbose_name='run')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'notification',
                'verbose_name_plural': 'notifications',
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='NotificationChannel',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('email', 'E-mail'), ('apprise', 'Messenger or other service'), ('web_push', 'This device'), ('slack', 'Slack')], max_length=8, verbose_name='kind')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('address', models.TextField()),
                ('shown_address', models.CharField(blank=True, default='', max_length=320, verbose_name='address')),
                ('language', models.CharField(blank=True, default='', max_length=16)),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('disabled', 'Disabled')], default='active', max_length=8, verbose_name='state')),
                ('disabled_because', models.CharField(blank=True, choices=[('gone', 'The service says that this address takes nothing any more.'), ('failing', 'Every attempt of the last days has failed.'), ('sealed', 'Its address was stored with another secret key of the site. Type the address again.')], default='', max_length=7)),
                ('failing_since', models.DateTimeField(null=True, verbose_name='failing since')),
                ('last_error', models.CharField(blank=True, default='', max_length=500)),
                ('sent_at', models.DateTimeField(null=True, verbose_name='last sent')),
                ('tried_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notification_channels', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'notification channel',
                'verbose_name_plural': 'notification channels',
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='NotificationDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('state', models.CharField(choices=[('pending', 'Waiting'), ('sent', 'Sent'), ('failed', 'Failed'), ('withdrawn', 'Withdrawn'), ('gathered', 'In a summary')], default='pending', max_length=9, verbose_name='state')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('attempts_before', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('claimed_until', models.DateTimeField(null=True)),
                ('tried_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
                ('error', models.CharField(blank=True, default='', max_length=500, verbose_name='error')),
                ('gathers', models.PositiveIntegerField(default=0)),
                ('reference', models.CharField(blank=True, default='', max_length=500)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='runs.notificationchannel')),
                ('gathered_into', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='gathered', to='runs.notificationdelivery')),
                ('notification', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='runs.notification')),
            ],
            options={
                'verbose_name': 'notification delivery',
                'verbose_name_plural': 'notification deliveries',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='NotificationRule',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('events', models.JSONField(default=list, verbose_name='events')),
                ('is_for_all', models.BooleanField(default=False, verbose_name="everybody's runs")),
                ('waits_over_s', models.PositiveIntegerField(default=0)),
                ('in_page', models.BooleanField(default=True, verbose_name='on open pages')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('agent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notification_rules', to='runs.agent', verbose_name='agent')),
                ('channels', models.ManyToManyField(related_name='rules', to='runs.notificationchannel')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notification_rules', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'notification rule',
                'verbose_name_plural': 'notification rules',
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.AddField(
            model_name='notification',
            name='rule',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='runs.notificationrule', verbose_name='notification rule'),
        ),
        migrations.AddIndex(
            model_name='notificationchannel',
            index=models.Index(condition=models.Q(('state', 'active')), fields=['id'], name='channel_active'),
        ),
        migrations.AddIndex(
            model_name='notificationdelivery',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['channel', 'due_at'], name='notification_due'),
        ),
        migrations.AddIndex(
            model_name='notificationdelivery',
            index=models.Index(fields=['channel', 'tried_at'], name='notification_tried'),
        ),
        migrations.AddConstraint(
            model_name='notificationdelivery',
            constraint=models.UniqueConstraint(fields=('notification', 'channel'), name='notification_delivery_once'),
        ),
        migrations.AddIndex(
            model_name='notificationrule',
            index=models.Index(condition=models.Q(('is_active', True)), fields=['id'], name='rule_active'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['user', '-created_at'], name='notification_log'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('seen_at', None)), fields=['user', 'due_at'], name='notification_unseen'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(fields=('rule', 'key'), name='notification_once'),
        ),
    ]
