"""The job that searches without a key, by the library ddgs: it reads the pages of search engines, in a process that is
killed if that takes too long. It has a network, unlike other jobs."""

import json

from runs.agent.sandbox.refusal import JobRefused


def run(request: bytes) -> bytes:
    """The results as JSON, as ddgs gives them."""
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException

    asked = json.loads(request)
    try:
        return json.dumps(DDGS(timeout=8).text(asked["query"], max_results=asked["count"])).encode()
    except DDGSException as failed:
        raise JobRefused(f"the search engines found nothing or refused: {str(failed)[:200]}") from failed
