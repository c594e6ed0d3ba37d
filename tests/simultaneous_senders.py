"""One delivery, sent many times at the same moment to one or several servers."""

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

from tests.trigger_senders import PUSH, json_of, signed

SET_UP = """
from django.contrib.auth.models import User
from tests.trigger_senders import make_trigger
print(make_trigger(User.objects.create_user("sender"), "github")[1])
"""
BODY = json_of(PUSH)


def deliver_at_once(addresses: list[str], token: str, keys: list[str]) -> list[tuple[int, dict[str, Any]]]:
    """Status and body of each response: to each address in turn, a delivery with each of the keys."""
    together = Barrier(len(keys))

    def send(number: int) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(urlsplit(addresses[number % len(addresses)]).netloc, timeout=60)
        try:
            connection.connect()
            together.wait(60)
            headers = {"Content-Type": "application/json", **signed(BODY, key=keys[number])}
            connection.request("POST", f"/hooks/{token}", BODY, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(send, range(len(keys))))


def assert_one_run_each(answers: list[tuple[int, dict[str, Any]]], keys: list[str]) -> set[str]:
    """The runs: every response is 202, and those of one key tell the same delivery and run."""
    assert Counter(status for status, _told in answers) == {202: len(keys)}
    by_key: dict[str, set[tuple[str, str]]] = {}
    for key, (_status, told) in zip(keys, answers, strict=True):
        by_key.setdefault(key, set()).add((told["delivery"], told["run"]))
    assert all(len(told) == 1 for told in by_key.values()), by_key
    return {run for told in by_key.values() for _delivery, run in told}
