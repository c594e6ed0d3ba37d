"""Webhooks, their events and the attempts to tell them."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0040_label_field_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('url', models.CharField(max_length=2000, verbose_name='address')),
                ('event_types', models.JSONField(default=list, verbose_name='events')),
                ('is_for_all', models.BooleanField(default=False, verbose_name="everybody's runs")),
                ('includes_answer', models.BooleanField(default=False, verbose_name='includes the answer')),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('disabled', 'Disabled')], default='active', max_length=8, verbose_name='state')),
                ('disabled_because', models.CharField(blank=True, choices=[('gone', 'The receiver answered 410 Gone: it wants no more requests.'), ('failing', 'Every request of the last days has failed.'), ('sealed', 'Its secret was stored with another secret key of the site. Replace the secret.')], default='', max_length=7)),
                ('secret', models.TextField()),
                ('old_secret', models.TextField(blank=True, default='')),
                ('old_secret_until', models.DateTimeField(null=True)),
                ('failing_since', models.DateTimeField(null=True, verbose_name='failing since')),
                ('tried_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'webhook',
                'verbose_name_plural': 'webhooks',
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('type', models.CharField(max_length=24, verbose_name='event')),
                ('sequence', models.PositiveIntegerField(default=0)),
                ('body', models.TextField()),
                ('state', models.CharField(choices=[('pending', 'Waiting'), ('delivered', 'Delivered'), ('failed', 'Failed'), ('withdrawn', 'Withdrawn')], default='pending', max_length=9, verbose_name='state')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('attempts_before', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('claimed_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='webhook_events', to='runs.run', verbose_name='run')),
                ('webhook', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='runs.webhook')),
            ],
            options={
                'verbose_name': 'webhook event',
                'verbose_name_plural': 'webhook events',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='WebhookAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='attempt')),
                ('started_at', models.DateTimeField(verbose_name='started at')),
                ('outcome', models.CharField(choices=[('open', 'No result recorded'), ('delivered', 'Taken by the receiver'), ('refused', 'Not taken by the receiver'), ('redirect', 'Redirected, which is not followed'), ('timeout', 'No response in time'), ('connection', 'No connection'), ('tls', 'No trusted encryption'), ('broken', 'Connection broken, or no HTTP'), ('address', 'Address not allowed or not found'), ('sealed', 'Secret not readable')], default='open', max_length=10, verbose_name='outcome')),
                ('status', models.PositiveSmallIntegerField(null=True, verbose_name='status')),
                ('duration_ms', models.PositiveIntegerField(null=True, verbose_name='duration in ms')),
                ('response', models.TextField(blank=True, default='', verbose_name='response')),
                ('is_cut', models.BooleanField(default=False)),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='log', to='runs.webhookevent')),
            ],
            options={
                'verbose_name': 'webhook attempt',
                'verbose_name_plural': 'webhook attempts',
                'ordering': ['number'],
            },
        ),
        migrations.AddIndex(
            model_name='webhook',
            index=models.Index(condition=models.Q(('state', 'active')), fields=['id'], name='webhook_active'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['webhook', 'due_at'], name='webhook_event_due'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(fields=['webhook', '-id'], name='webhook_event_log'),
        ),
        migrations.AddConstraint(
            model_name='webhookevent',
            constraint=models.UniqueConstraint(fields=('webhook', 'run', 'type', 'sequence'), name='webhook_event_once'),
        ),
        migrations.AddConstraint(
            model_name='webhookattempt',
            constraint=models.UniqueConstraint(fields=('event', 'number'), name='webhook_attempt_number'),
        ),
    ]
