"""Work that strangers can cause is capped: two passwords are hashed at a time, the excess gets 503 with Retry-After."""

import asyncio
import re
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest

from runs.hash_pool import AT_ONCE, MOST_WAITING, POOL, HashBusy, HashPool
from tests.live_site import LiveSite

SIGN_INS = 190


def test_only_a_few_passwords_are_hashed_at_once_and_only_a_few_wait():
    counts: Counter[str] = Counter()
    pool, go = HashPool(), threading.Event()
    lock, started = threading.Lock(), threading.Semaphore(0)

    def hash_one() -> None:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        started.release()
        go.wait(20)
        with lock:
            counts["now"] -= 1

    def come() -> None:
        try:
            pool.run(hash_one)
        except HashBusy:
            with lock:
                counts["refused"] += 1

    callers = [threading.Thread(target=come) for _ in range(AT_ONCE + MOST_WAITING + 5)]
    for each in callers:
        each.start()
    for _ in range(AT_ONCE):
        started.acquire(timeout=20)
    for each in callers[-5:]:
        each.join(0.2)
    go.set()
    for each in callers:
        each.join(20)

    assert counts["most"] == AT_ONCE
    assert counts["refused"] == 5
    assert pool.run(lambda: "free again") == "free again"


def test_every_hasher_of_the_site_hashes_in_the_pool(monkeypatch):
    from agentsite import hashers, settings

    def refuse(_work: object) -> None:
        raise HashBusy

    monkeypatch.setattr(POOL, "run", refuse)
    for path in settings.PASSWORD_HASHERS:
        hasher = getattr(hashers, path.removeprefix("agentsite.hashers."))()
        for work in (
            lambda: hasher.encode("password", "saltsaltsalt"),  # noqa: B023  called at once
            lambda: hasher.verify("password", "x"),  # noqa: B023
            lambda: hasher.harden_runtime("password", "x"),  # noqa: B023
        ):
            with pytest.raises(HashBusy):
                work()


async def test_a_hundred_and_ninety_sign_ins_at_once_are_a_short_queue_and_little_memory(live_site):
    live_site.create_user("ada")
    before = memory_mib(live_site)

    answers = await asyncio.gather(*(sign_in(live_site, number) for number in range(SIGN_INS)))

    statuses = Counter(status for status, _ in answers)
    assert set(statuses) == {422, 503}
    assert statuses[422] >= 10
    assert all(int(re.findall(rb"Retry-After: (\d+)", text)[0]) <= 10 for status, text in answers if status == 503)
    assert all(b"in a few seconds" in text for status, text in answers if status == 503)
    assert memory_mib(live_site) - before < 150


async def sign_in(site: LiveSite, number: int) -> tuple[int, bytes]:
    """Sign in with an unknown name, from one of twenty addresses."""
    host, port = site.url.removeprefix("http://").split(":")
    token = "a" * 32
    body = urlencode({"username": f"name-{number}", "password": "wrong", "csrfmiddlewaretoken": token})
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(f"127.0.1.{number % 20 + 1}", 0))
    head = [
        "POST /accounts/login/ HTTP/1.1",
        f"Host: {host}:{port}",
        f"Cookie: csrftoken={token}",
        "Connection: close",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    writer.write(("\r\n".join([*head, "", ""]) + body).encode())
    text = await reader.read()
    writer.close()
    return int(text.split()[1]), text


def memory_mib(site: LiveSite) -> int:
    """The peak memory of the site's process."""
    lines = Path(f"/proc/{site.process.pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 // 2**20
