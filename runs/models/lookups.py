"""The lookup `field__mentions="words"`: case-insensitive search in any alphabet."""

from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler

from runs.agent.unicode_normalization import JOINER, MOST_MARKS, marks_of_any_version
from runs.text_search import SAME_CAPITALS, folded

if TYPE_CHECKING:
    _TextLookup = Lookup[str]
else:  # generic for the type checker only
    _TextLookup = Lookup
Compiled = tuple[str, tuple[Any, ...]]


@CharField.register_lookup
@TextField.register_lookup
class Mentions(_TextLookup):
    """Unlike `icontains` the same on both databases; `%`, `_` and backslashes have no special meaning."""

    lookup_name = "mentions"

    def get_prep_lookup(self) -> str:
        return folded(str(self.rhs))

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> Compiled:
        """A function of ours, which `runs.engine.sqlite` adds to each connection."""
        text, text_parameters = self.process_lhs(compiler, connection)
        words, words_parameters = self.process_rhs(compiler, connection)
        return f"agentsite_mentions({text}, {words})", (*text_parameters, *words_parameters)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> Compiled:
        """The SQL equivalent of `folded`."""
        text, text_parameters = self.process_lhs(compiler, connection)
        words, words_parameters = self.process_rhs(compiler, connection)
        # Checking for normalization costs a third of normalizing.
        marks = f"[{marks_of_any_version()}]"
        safe = f"regexp_replace({text}, '({marks}{{{MOST_MARKS}}})(?={marks})', '\\1{JOINER}', 'g')"
        plain = (
            f"CASE WHEN ({text} ~ '{marks}{{{MOST_MARKS + 1}}}') THEN normalize({safe}, NFKC)"
            f" WHEN ({text} IS NFKC NORMALIZED) THEN {text} ELSE normalize({text}, NFKC) END"
        )
        found = f"upper(({plain}){_collation(connection)})"
        for letters, one in SAME_CAPITALS:
            found = f"replace({found}, '{letters}', '{one}')"
        # ASCII is always normalized, and has no letters but those of the C collation, which is the fastest.
        is_ascii, capitals = f"octet_length({text}) = length({text})", f"""upper(({text}) COLLATE "C")"""
        return (
            f"CASE WHEN {is_ascii} THEN strpos({capitals}, {words}) > 0 ELSE strpos({found}, {words}) > 0 END",
            (*text_parameters * 3, *words_parameters, *text_parameters * found.count(text), *words_parameters),
        )


def _collation(connection: Any) -> str:
    """ICU's collation for every alphabet; a server without ICU has its own locale only. Queried once per connection."""
    if not hasattr(connection, "agentsite_collation"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'")
            connection.agentsite_collation = ' COLLATE "und-x-icu"' if cursor.fetchone() else ""
    collation: str = connection.agentsite_collation
    return collation
