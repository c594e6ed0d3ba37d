"""On Postgres the search of documents finds what it finds on SQLite."""

import json

from tests.engine.files.search_cases import CASES, COMPLETE, DOCUMENTS
from tests.live_site import manage
from tests.scale_out.conftest import Cluster

SEARCH = """
import json
from django.contrib.auth.models import User
from runs.agent.files.ranking import words_to_search
from runs.agent.files.word_forms import forms_of_word
from runs.engine.files.passage_search import search_all_words, search_passages
from runs.models import StoredFile
from tests.engine.files.search_cases import CASES, COMPLETE, store
store(User.objects.create_user("ada"))
odd = ['"', "'", "NEAR(", ":*", "a & !b", chr(0), "\\\\"]
def names(query):
    return [each.file.name for each, _ in search_passages(StoredFile.objects.all(), query, most=10)]
def complete(query):
    words = [forms_of_word(word) for word in words_to_search(query)]
    found, total = search_all_words(StoredFile.objects.all(), words, most=1)
    found, _ = search_all_words(StoredFile.objects.all(), words, most=10)
    return [sorted(each.file.name for each, _ in found), total]
found = {query: names(query) for query in [*CASES, *odd]}
found["complete"] = {query: complete(query) for query in COMPLETE}
StoredFile.objects.filter(name="refunds.txt").delete()
found["deleted"] = names("refund")
print(json.dumps(found))
"""


def test_queries_find_their_documents_best_first(cluster: Cluster) -> None:
    done = manage("shell", "--no-imports", "-c", SEARCH, data=cluster.data, environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {query: found[query][: len(names)] if names else found[query] for query, names in CASES.items()} == CASES
    assert found["complete"] == {query: [names, len(names)] for query, names in COMPLETE.items()}
    assert "refunds.txt" not in found["deleted"]
    assert DOCUMENTS


BROKEN = """
import asyncio
from django.db import connection
from runs.engine.database_threads import DatabaseThreads
def session():
    connection.ensure_connection()
    return connection.connection.info.backend_pid
threads = DatabaseThreads(1)
first = asyncio.run(threads.run(session))
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_terminate_backend(%s, 20000)", [first])
second = asyncio.run(threads.run(session))
third = asyncio.run(threads.run(session))
print(first != second == third)
"""


def test_a_search_after_the_database_ended_its_idle_connection_connects_again(cluster: Cluster) -> None:
    done = manage("shell", "--no-imports", "-c", BROKEN, data=cluster.data, environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True\n"
