"""Files of people and runs, and the full-text index of their passages."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from runs.migrations._operations import AddPassageIndex


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0020_without_cost'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Library',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True, verbose_name='name')),
                ('description', models.CharField(blank=True, max_length=200, verbose_name='description')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
            ],
            options={
                'verbose_name': 'library',
                'verbose_name_plural': 'libraries',
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='agent',
            name='libraries',
            field=models.JSONField(blank=True, default=list, help_text='Names of the libraries whose documents it may read, such as ["handbook"].', verbose_name='libraries'),
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='runs.run')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255, verbose_name='name')),
                ('media_type', models.CharField(blank=True, default='', max_length=100, verbose_name='media type')),
                ('size', models.PositiveIntegerField(verbose_name='size')),
                ('received', models.PositiveIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('state', models.CharField(choices=[('uploading', 'Uploading'), ('ready', 'Ready')], default='uploading', max_length=9, verbose_name='state')),
                ('call_id', models.UUIDField(null=True)),
                ('text_is_cut', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('library', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='runs.library')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='artifacts', to='runs.run')),
                ('runs', models.ManyToManyField(related_name='documents', through='runs.Attachment', to='runs.run')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='files', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'file',
                'verbose_name_plural': 'files',
                'ordering': ['created_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='FileChunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('offset', models.PositiveIntegerField()),
                ('content', models.BinaryField()),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='runs.storedfile')),
            ],
        ),
        migrations.CreateModel(
            name='DocumentPassage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('place', models.CharField(max_length=120)),
                ('text', models.TextField()),
                ('words', models.TextField()),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='passages', to='runs.storedfile')),
            ],
        ),
        migrations.AddField(
            model_name='attachment',
            name='file',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='runs.storedfile'),
        ),
        migrations.AddIndex(
            model_name='storedfile',
            index=models.Index(condition=models.Q(('state', 'uploading')), fields=['created_at'], name='file_uploading'),
        ),
        migrations.AddConstraint(
            model_name='storedfile',
            constraint=models.CheckConstraint(condition=models.Q(('run', None), ('library', None), _connector='OR'), name='file_of_run_or_library'),
        ),
        migrations.AddConstraint(
            model_name='filechunk',
            constraint=models.UniqueConstraint(fields=('file', 'offset'), name='one_chunk_per_offset'),
        ),
        migrations.AddConstraint(
            model_name='documentpassage',
            constraint=models.UniqueConstraint(fields=('file', 'number'), name='one_passage_per_number'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.UniqueConstraint(fields=('run', 'file'), name='attached_once'),
        ),
        AddPassageIndex(),
    ]
