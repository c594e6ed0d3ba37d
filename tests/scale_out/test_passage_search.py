"""On Postgres the search of documents finds what it finds on SQLite."""

import json

from tests.engine.files.search_cases import CASES, DOCUMENTS
from tests.live_site import manage
from tests.scale_out.conftest import Cluster

SEARCH = """
import json
from django.contrib.auth.models import User
from runs.engine.files.passage_search import search_passages
from runs.models import StoredFile
from tests.engine.files.search_cases import CASES, store
store(User.objects.create_user("ada"))
odd = ['"', "'", "NEAR(", ":*", "a & !b", chr(0), "\\\\"]
def names(query):
    return [each.file.name for each, _ in search_passages(StoredFile.objects.all(), query, most=10)]
found = {query: names(query) for query in [*CASES, *odd]}
StoredFile.objects.filter(name="refunds.txt").delete()
found["deleted"] = names("refund")
print(json.dumps(found))
"""


def test_queries_find_their_documents_best_first(cluster: Cluster) -> None:
    done = manage("shell", "--no-imports", "-c", SEARCH, data=cluster.data, environment=cluster.environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {query: found[query][: len(names)] if names else found[query] for query, names in CASES.items()} == CASES
    assert "refunds.txt" not in found["deleted"]
    assert DOCUMENTS
