"""Documents: what stands in them about a topic, and where. Answers are quotes; a topic is found by its words only."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.document_questions import DocumentQuestion, read_question
from runs.agent.providers.offline.document_topics import SearchTopic
from runs.agent.providers.offline.excerpts import Excerpt, excerpts_of, is_table
from runs.agent.providers.offline.goals import Clause, Goal, TaskRefused, ValueKind
from runs.agent.providers.offline.markdown_text import code, fenced, verbatim
from runs.agent.text import counted

MOST_QUOTED: Final = 8
MOST_OF_ONE: Final = 3
"""Excerpts of an answer, and of one document in it."""
_MOST_PASSAGES: Final = {"quote": 20, "whether": 20, "which": 50, "how many": 50}
_MOST_SHOWN: Final = 3000
"""Characters of a text that is read."""


def read_documents(clause: Clause, _earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """A goal for `search_documents` for each topic, or one for `read_file`; None if no rule matches."""
    question = read_question(clause.asked, clause.quotes)
    if question is None:
        return None
    if question.ask == "read":
        return (_reading(clause, question.sources[0]),)
    return tuple(_search(clause, question, topic) for topic in question.topics)


def _reading(clause: Clause, name: str) -> Goal:
    def say(_arguments: JsonMapping, output: Any) -> str:
        shown = output if len(output) <= _MOST_SHOWN else output[:_MOST_SHOWN].rpartition("\n")[0]
        more = "" if shown == output else "\n\nThe text goes on."
        return f"{code(name)}:\n\n{fenced(shown)}{more}"

    return Goal(
        clause=clause.said,
        rule="the text of a file",
        tool_name="read_file",
        arguments={"name": name},
        say=say,
        kind="other",
    )


def _search(clause: Clause, question: DocumentQuestion, topic: SearchTopic) -> Goal:
    ask = question.ask
    arguments: dict[str, Any] = {"query": topic.query, "most": _MOST_PASSAGES[ask], "match": "all"}
    if question.sources:
        arguments["files"] = list(question.sources)
    kind: ValueKind = "number" if ask == "how many" else "other"
    tell = {"quote": _quotes, "whether": _whether, "which": _which, "how many": _how_many}[ask]
    read = partial(_TopicSearch, topic, question.sources)
    return Goal(
        clause=clause.said,
        rule="a search in documents",
        tool_name="search_documents",
        arguments=arguments,
        say=lambda _arguments, output: tell(read(output)),
        kind=kind,
        value=lambda output: _value(ask, read(output)),
    )


class _TopicSearch:
    """The result of a search for a topic."""

    def __init__(self, topic: SearchTopic, sources: Sequence[str], output: JsonMapping) -> None:
        self.topic = verbatim(topic.said)
        self.sources = sources
        self.files: int = output["files"]
        excerpts, self.is_literal = excerpts_of(output["found"], topic)
        # Rows of tables after prose: they are many, and say less.
        self.excerpts = sorted(excerpts, key=lambda each: is_table(each.file))
        self.is_complete: bool = output["total"] <= len(output["found"])
        self.has_passages = bool(output["found"])
        self.unsearched: Sequence[str] = output.get("not_searched", ())

    @property
    def documents(self) -> dict[tuple[str, str], list[Excerpt]]:
        """The excerpts by library and file."""
        found: dict[tuple[str, str], list[Excerpt]] = {}
        for each in self.excerpts:
            found.setdefault((each.library, each.file), []).append(each)
        return found

    @property
    def nothing(self) -> str:
        """What was searched, and that it has nothing of the topic."""
        where = self._where()
        if self.has_passages and not self.is_complete:
            return f"in the best passages of {where} no sentence has all the words of “{self.topic}”"
        many = "all the words of " if " " in self.topic else ""
        apart = " in one sentence" if self.has_passages else ""
        has = "have" if where.endswith("s") else "has"
        return f"{where} {has} nothing with {many}“{self.topic}”{apart}{self.unread}"

    def _where(self) -> str:
        if len(self.sources) == 1:
            return code(self.sources[0])
        return "the document" if self.files == 1 else f"the {self.files} documents"

    @property
    def unread(self) -> str:
        """A remark about files whose text is not known."""
        names = ", ".join(map(code, self.unsearched))
        return f". Not searched, or in part only: {names}" if names else ""

    @property
    def form(self) -> str:
        """A remark if the words stand there in other forms only."""
        return "" if self.is_literal else ", in other forms of the words"


def _value(ask: str, found: _TopicSearch) -> Any:
    """The value for later goals and structured answers. Raises `TaskRefused` if there is nothing to quote."""
    if ask == "quote" and not found.excerpts:
        raise TaskRefused(found.nothing)
    if ask == "whether":
        return bool(found.excerpts)
    if ask == "how many":
        if not found.is_complete:
            raise TaskRefused(f"too many passages have “{found.topic}” to count their documents")
        return len(found.documents)
    if ask == "which":
        return [file for _, file in found.documents]
    return [{"file": each.file, "place": each.place, "text": each.text} for each in found.excerpts]


def _quotes(found: _TopicSearch) -> str:
    shown = _shown(found)
    heading = f"About “{found.topic}”{found.form}:"
    if len(found.excerpts) == 1:
        return f"{heading} {_line(found.excerpts[0])}"
    left = len(found.excerpts) - len(shown)
    more = "" if found.is_complete and not left else "\n\nMore places have it; these are the first."
    return "\n".join([heading, "", *(f"- {_line(each)}" for each in shown)]) + more


def _shown(found: _TopicSearch) -> list[Excerpt]:
    chosen = [each for excerpts in found.documents.values() for each in excerpts[:MOST_OF_ONE]]
    return [each for each in found.excerpts if each in chosen][:MOST_QUOTED]


def _line(excerpt: Excerpt) -> str:
    under = f", under “{verbatim(excerpt.heading)}”" if excerpt.heading else ""
    library = f" (library {verbatim(excerpt.library)})" if excerpt.library else ""
    return f"{code(excerpt.file)}{library}, {verbatim(excerpt.place)}{under}: “{verbatim(excerpt.text)}”"


def _whether(found: _TopicSearch) -> str:
    if not found.excerpts:
        return f"No: {found.nothing}."
    return f"Yes. {_quotes(found)}"


def _which(found: _TopicSearch) -> str:
    if not found.excerpts:
        return f"None: {found.nothing}."
    documents = found.documents
    least = "" if found.is_complete else "at least "
    said = f"“{found.topic}” stands in {least}**{counted(len(documents), 'document')}**{found.form}:"
    return "\n".join([said, "", *(f"- {_places(*name, each)}" for name, each in documents.items())])


def _how_many(found: _TopicSearch) -> str:
    number = len(found.documents)
    if not number:
        return f"**0**: {found.nothing}."
    listed = ", ".join(code(file) for _, file in found.documents)
    has = "has" if number == 1 else "have"
    return f"**{number}** of {counted(found.files, 'document')} {has} “{found.topic}”{found.form}: {listed}"


def _places(library: str, file: str, excerpts: Sequence[Excerpt]) -> str:
    places = list(dict.fromkeys(each.place for each in excerpts))
    more = f" and {len(places) - MOST_OF_ONE} more" if len(places) > MOST_OF_ONE else ""
    told = "; ".join(verbatim(each) for each in places[:MOST_OF_ONE])
    return f"{code(file)}{f' (library {verbatim(library)})' if library else ''}: {told}{more}"
