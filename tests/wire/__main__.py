"""`python -m tests.wire`: a model server to try things with by hand.

It asks for the calculator once if the request offers it, then answers. With --fail it first fails that many times,
with --delay it takes that long for each word. It speaks OpenAI's two formats (chat completions, and Responses: kind
"responses") and Anthropic's (kind "anthropic") at the same address, and Google's (GOOGLE_GEMINI_BASE_URL, without /v1).
What a provider would refuse is refused; its list of models has m1.

    python -m tests.wire --port 9999 --fail 2
    export AGENTSITE_ENDPOINTS='[{"name": "local", "base_url": "http://127.0.0.1:9999/v1", "models": ["m1"],
                                   "kind": "openai"}]'
"""

import argparse
import threading

from tests.wire import Answer, Outcome, Request, Status, WireServer


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9999)
    parser.add_argument("--fail", type=int, default=0, metavar="N", help="fail the first N requests")
    parser.add_argument("--status", type=int, default=503, help="the status of those failures")
    parser.add_argument("--retry-after", help="the Retry-After header of those failures")
    parser.add_argument("--delay", type=float, default=0.05, metavar="S", help="seconds for each word")
    options = parser.parse_args()

    def converse(request: Request) -> Outcome:
        return reply_to(request, token_delay_s=options.delay)

    with WireServer(port=options.port, otherwise=converse) as server:
        server.script(*[Status(options.status, retry_after=options.retry_after)] * options.fail)
        print(f"Serving {server.models[0].name} at {server.base_url}", flush=True)
        threading.Event().wait()


def reply_to(request: Request, *, token_delay_s: float = 0.0) -> Answer:
    """A small conversation: call the calculator if it is offered, then answer with its result."""
    result = request.format.last_result(request.body)
    if result is not None:
        return Answer(f"The calculator says {result}.", token_delay_s=token_delay_s)
    if "calculator" in request.format.offered(request.body):
        reasoning = "I had better not do this in my head."
        call = ("calculator", {"expression": "17 * 23"})
        return Answer(reasoning=reasoning, calls=[call], token_delay_s=token_delay_s)
    return Answer("I am the wire server, and I have no tools.", token_delay_s=token_delay_s)


if __name__ == "__main__":
    main()
