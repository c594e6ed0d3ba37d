"""MCP servers and APIs, their tools, and the version of all of them."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0026_max_repeats'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ToolCatalog',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('version', models.UUIDField(default=uuid.uuid4)),
            ],
            options={
                'verbose_name': 'catalog of tools',
                'verbose_name_plural': 'catalogs of tools',
            },
        ),
        migrations.CreateModel(
            name='ToolSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=24, unique=True, verbose_name='name')),
                ('kind', models.CharField(choices=[('mcp', 'MCP server'), ('openapi', 'API')], max_length=7, verbose_name='kind')),
                ('options', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('new', 'Never connected'), ('connected', 'Connected'), ('idle', 'Not connected now'), ('failed', 'Failed'), ('signed_out', 'Needs a sign-in')], default='new', max_length=10, verbose_name='state')),
                ('state_since', models.DateTimeField(verbose_name='state since')),
                ('last_error', models.TextField(blank=True, verbose_name='last error')),
                ('last_error_at', models.DateTimeField(null=True)),
                ('log', models.TextField(blank=True)),
                ('facts', models.JSONField(default=dict)),
                ('listed_at', models.DateTimeField(null=True, verbose_name='listed at')),
                ('added_at', models.DateTimeField(verbose_name='added at')),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tool_sources', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'source of tools',
                'verbose_name_plural': 'sources of tools',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='StoredTool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('remote_name', models.CharField(max_length=200)),
                ('name', models.CharField(max_length=64, unique=True, verbose_name='name')),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('schema', models.JSONField()),
                ('hints', models.JSONField(default=dict)),
                ('hash', models.CharField(max_length=64)),
                ('fault', models.TextField(blank=True)),
                ('is_listed', models.BooleanField(default=True)),
                ('is_enabled', models.BooleanField(default=False)),
                ('effect', models.CharField(choices=[('pure', 'pure'), ('read', 'read'), ('idempotent', 'idempotent'), ('unsafe', 'unsafe')], default='unsafe', max_length=10, verbose_name='effect')),
                ('approved_hash', models.CharField(blank=True, max_length=64)),
                ('approved_description', models.TextField(blank=True)),
                ('approved_schema', models.JSONField(null=True)),
                ('approved_at', models.DateTimeField(null=True, verbose_name='approved at')),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tools', to='runs.toolsource')),
            ],
            options={
                'verbose_name': 'stored tool',
                'verbose_name_plural': 'stored tools',
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('source', 'remote_name'), name='one_tool_per_remote_name')],
            },
        ),
    ]
