"""Files: documents that people gave, and artifacts that runs made. Their bytes are rows too, in chunks.

In the database, because it is the truth: a backup is whole, a worker on another machine reads what the web process
took, and nothing names a path.
"""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from runs.agent.files.file_types import kind_of
from runs.models.run import Run

CHUNK_BYTES: Final = 512 * 1024
"""The size of a chunk, but for the last one of a file: a short write transaction, and below the limit of a request."""


class Library(models.Model):
    """A named collection of documents that agents may read."""

    name = models.CharField(pgettext_lazy("field", "name"), max_length=80, unique=True)
    description = models.CharField(pgettext_lazy("field", "description"), max_length=200, blank=True)
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "library")
        verbose_name_plural = pgettext_lazy("model", "libraries")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The library's page."""
        return reverse("runs:library", args=[self.pk])


class StoredFile(models.Model):
    """A file. `run` set: an artifact of that run; else a document, which belongs to a library, or to runs by
    `Attachment`."""

    class State(models.TextChoices):
        """uploading -> ready. A file that cannot be read is not kept."""

        UPLOADING = "uploading", gettext_lazy("Uploading")
        READY = "ready", gettext_lazy("Ready")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    """Of an artifact uuid5 of its call and its place in the output, so that a repeated call replaces it."""
    name = models.CharField(pgettext_lazy("field", "name"), max_length=255)
    media_type = models.CharField(pgettext_lazy("field", "media type"), max_length=100, blank=True, default="")
    """Recognised by the content, never what a browser said. Empty while it is uploaded."""
    size = models.PositiveIntegerField(pgettext_lazy("field", "size"))
    """In bytes; while it is uploaded, what was announced."""
    received = models.PositiveIntegerField(default=0)
    """How many bytes have come, from the beginning on."""
    reading_since = models.DateTimeField(null=True)
    """When a process began to recognise and read the whole file; null before. If that process dies, another one does
    it."""
    sha256 = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(pgettext_lazy("field", "state"), max_length=9, choices=State, default=State.UPLOADING)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="files",
        verbose_name=pgettext_lazy("field", "user"),
    )
    """Who gave it, or launched the run that made it: the person whose quota it counts against."""
    library = models.ForeignKey(Library, on_delete=models.CASCADE, null=True, related_name="documents")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="artifacts")
    call_id = models.UUIDField(null=True)
    """The call that made an artifact."""
    runs = models.ManyToManyField(Run, through="runs.Attachment", related_name="documents")
    text_is_cut = models.BooleanField(default=False)
    """The passages are the beginning of a longer text."""
    created_at = models.DateTimeField(pgettext_lazy("field", "created at"), auto_now_add=True)

    class Meta:
        verbose_name = pgettext_lazy("model", "file")
        verbose_name_plural = pgettext_lazy("model", "files")
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(run=None) | Q(library=None), name="file_of_run_or_library"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="file_uploading", condition=Q(state="uploading")),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Where it is downloaded."""
        return reverse("runs:file", args=[self.pk])

    @property
    def kind(self) -> str:
        """`text`, `table`, `document` or `image`; an SVG that a tool drew is an image too."""
        return kind_of(self.media_type) or ("image" if self.media_type == "image/svg+xml" else "text")

    @property
    def is_image(self) -> bool:
        """True if a page shows it as a picture."""
        return self.kind == "image"


class FileChunk(models.Model):
    """A part of the bytes of a file."""

    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    offset = models.PositiveIntegerField()
    """In bytes from the beginning of the file."""
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "offset"], name="one_chunk_per_offset")]

    def __str__(self) -> str:
        return f"{self.file_id} from {self.offset}"


class Attachment(models.Model):
    """A document given to a run. The runs that continue it may read it too."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attachments", db_index=False)
    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["run", "file"], name="attached_once")]

    def __str__(self) -> str:
        return f"{self.file_id} of {self.run_id}"


class DocumentPassage(models.Model):
    """A piece of the text of a document, for `read_file` and the full-text search."""

    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="passages", db_index=False)
    number = models.PositiveIntegerField()
    """From 1."""
    place = models.CharField(max_length=120)
    """Where it stands, for people: `page 3`."""
    text = models.TextField()
    words = models.TextField()
    """The words of the text as the search compares them (`runs.agent.files.search_words`), separated by spaces. Each
    database has a full-text index of this column: see migration 0021."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="one_passage_per_number")]

    def __str__(self) -> str:
        return f"{self.file_id} {self.number}"
