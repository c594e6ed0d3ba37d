"""Full-text search over many documents, and the database's own full text asked the same, on one database.

`python -m tests.benchmarks.full_text --case DOCUMENTS --requests ROUNDS` prints its figures as JSON, for `tools.py`.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

QUERIES = 20
"""Searches of one measurement: one takes little more than the clock of the processor tells apart."""
MOST = 5
WORDS_OF_A_DOCUMENT = 150
VOCABULARY = 20_000
COMMON, RARE = 50, 2000
"""Ranks of the words that are searched, by how often they occur."""


def texts(number: int) -> Iterator[str]:
    """Documents of words as frequent as in a language (Zipf)."""
    chance = random.Random(12)
    words = [f"word{rank}" for rank in range(1, VOCABULARY + 1)]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    for _ in range(number):
        yield " ".join(chance.choices(words, cum_weights=weights, k=WORDS_OF_A_DOCUMENT))


def queries() -> list[str]:
    """What is searched: two or three words, rarer than the most frequent ones."""
    chance = random.Random(13)
    return [
        " ".join(f"word{chance.randint(COMMON, RARE)}" for _ in range(chance.choice([2, 3]))) for _ in range(QUERIES)
    ]


def store(number: int) -> Any:
    """A run that may read that many documents, of a library."""
    from django.contrib.auth.models import User
    from django.db import connection

    from runs.agent.files.search_words import search_words
    from runs.models import Agent, DocumentPassage, Library, Run, StoredFile

    library = Library.objects.create(name="all")
    about = {"library": library, "media_type": "text/plain", "size": 1, "state": StoredFile.State.READY}
    files = [StoredFile(name=f"{place}.txt", **about) for place in range(number)]
    StoredFile.objects.bulk_create(files, batch_size=500)
    DocumentPassage.objects.bulk_create(
        (
            DocumentPassage(file=file, number=1, place="line 1", text=text, words=" ".join(search_words(text)))
            for file, text in zip(files, texts(number), strict=True)
        ),
        batch_size=500,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does
    agent = Agent.objects.get()
    config = {**agent.snapshot(), "libraries": ["all"]}
    return Run.objects.create(user=User.objects.create_user("ada"), agent=agent, task="search", config=config)


def searched(run: Any) -> Callable[[], None]:
    """The tool's search: `QUERIES` of them."""
    from runs.agent.files.access import files_context
    from runs.agent.tools.documents.search_documents import search_documents
    from runs.engine.files.run_files import RunFiles

    async def ask() -> None:
        with files_context(RunFiles(run)):
            for query in queries():
                found = (await search_documents(query, most=MOST))["found"]
                if len(found) != MOST:
                    raise AssertionError(query)

    return lambda: asyncio.run(ask())


def asked_bare() -> Callable[[], None]:
    """The database's full text alone: the same words, the best passages in its own order."""
    from django.db import connection

    cursor = connection.cursor()
    asked: list[tuple[str | int, ...]]
    if connection.vendor == "postgresql":
        sql = (
            "SELECT text FROM runs_documentpassage WHERE search @@ %s::tsquery "
            "ORDER BY ts_rank(search, %s::tsquery) DESC LIMIT %s"
        )
        asked = [(match, match, MOST) for match in (" | ".join(f"'{word}':*" for word in _words(q)) for q in queries())]
    else:
        sql = (
            "SELECT p.text FROM runs_passage_words w JOIN runs_documentpassage p ON p.id = w.rowid "
            "WHERE runs_passage_words MATCH %s ORDER BY w.rank LIMIT %s"
        )
        asked = [(" OR ".join(f'"{word}"*' for word in _words(query)), MOST) for query in queries()]

    def ask() -> None:
        for parameters in asked:
            cursor.execute(sql, parameters)
            if len(cursor.fetchall()) != MOST:
                raise AssertionError(parameters)

    return ask


def _words(query: str) -> list[str]:
    return [word.upper() for word in query.split()]


def cpu_s() -> float:
    """Of this process, and of the sessions of Postgres that work for it: those that are open, and those that ended."""
    from django.db import connection

    used = time.process_time()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid, pg_backend_pid() FROM pg_stat_activity WHERE datname = current_database()")
            rows = cursor.fetchall()
        used += sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid, _ in rows) / 1e9
        server = Path(f"/proc/{rows[0][1]}/stat").read_text().rpartition(")")[2].split()[1]
        ended = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[13:15]
        used += sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")
    return used


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """CPU and wall seconds of one piece of work."""
    cpu, began = cpu_s(), time.perf_counter()
    work()
    return cpu_s() - cpu, time.perf_counter() - began


def main() -> None:
    """Print the figures of both, of each round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=10)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentsite.settings")
    django.setup()
    tool, bare = searched(store(options.case)), asked_bare()
    tool()
    bare()
    pairs = [(measured(tool), measured(bare)) for _ in range(options.requests)]
    print(json.dumps({"pairs": pairs}))


if __name__ == "__main__":
    main()
