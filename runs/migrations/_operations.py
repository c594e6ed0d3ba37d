"""Operations of migrations."""

from typing import Any

from django.db import migrations


class AddIndexBesideWrites(migrations.AddIndex):
    """Adds an index without a lock against writes. What an interrupted attempt has left behind is built again."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        schema_editor.remove_index(model, self.index, concurrently=True)


class _OnSqliteOnly:
    """An operation on a `CoveringIndex` that covers other columns: on Postgres it covers none."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)  # type: ignore[misc]

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "sqlite":
            super().database_backwards(app_label, schema_editor, from_state, to_state)  # type: ignore[misc]


class RemoveCoveringIndex(_OnSqliteOnly, migrations.RemoveIndex):
    """Removes the index whose columns change."""


class AddCoveringIndex(_OnSqliteOnly, migrations.AddIndex):
    """Adds it with the new ones."""


class AddPassageIndex(migrations.RunPython):
    """Adds the full-text index of `DocumentPassage.words`, which no field of Django describes."""

    def __init__(self) -> None:
        super().__init__(_add_passage_index, _drop_passage_index)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Without the functions, which the class brings."""
        return type(self).__name__, [], {}


# The words are stored once, in the passages. They are folded already, marks included.
_FTS5_TABLE = (
    "CREATE VIRTUAL TABLE runs_passage_words USING fts5(words, content='runs_documentpassage', content_rowid='id',"
    " tokenize='unicode61 remove_diacritics 0')"
)
_FTS5_INSERT = (
    "CREATE TRIGGER runs_passage_words_insert AFTER INSERT ON runs_documentpassage BEGIN"
    " INSERT INTO runs_passage_words(rowid, words) VALUES (new.id, new.words); END"
)
_FTS5_DELETE = (
    "CREATE TRIGGER runs_passage_words_delete AFTER DELETE ON runs_documentpassage BEGIN"
    " INSERT INTO runs_passage_words(runs_passage_words, rowid, words) VALUES ('delete', old.id, old.words); END"
)
# Not to_tsvector: its parser knows the letters of the database's locale only.
_TSVECTOR = (
    "ALTER TABLE runs_documentpassage ADD COLUMN search tsvector"
    " GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(words, ' '), ''))) STORED"
)
_TSVECTOR_INDEX = "CREATE INDEX runs_passage_search ON runs_documentpassage USING gin (search)"


def _add_passage_index(_apps: Any, schema_editor: Any) -> None:
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for statement in (_TSVECTOR, _TSVECTOR_INDEX) if is_postgres else (_FTS5_TABLE, _FTS5_INSERT, _FTS5_DELETE):
        schema_editor.execute(statement)


def _drop_passage_index(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE runs_documentpassage DROP COLUMN search")
        return
    for each in ("insert", "delete"):
        schema_editor.execute(f"DROP TRIGGER runs_passage_words_{each}")
    schema_editor.execute("DROP TABLE runs_passage_words")
