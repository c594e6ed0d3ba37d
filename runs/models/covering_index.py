"""An index that has all that a query reads, where the rows are wide."""

from typing import Any

from django.db import models


class CoveringIndex(models.Index):
    """An index on `fields`, with the columns of `covers` on SQLite, which reads a whole row up to a column behind it.

    Not on Postgres: long texts are not in its rows, and an update of a column in an index writes all indexes anew.
    """

    def __init__(self, *, covers: tuple[str, ...] | list[str], **options: Any) -> None:
        super().__init__(**options)
        self.covers = tuple(covers)

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **options: Any) -> Any:
        if schema_editor.connection.vendor != "sqlite":
            return super().create_sql(model, schema_editor, using, **options)
        whole = models.Index(fields=[*self.fields, *self.covers], name=self.name, condition=self.condition)
        return whole.create_sql(model, schema_editor, using, **options)

    def deconstruct(self) -> Any:
        path, arguments, options = super().deconstruct()
        return path, arguments, options | {"covers": self.covers}
