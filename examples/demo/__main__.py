"""The demo: a site with agents, files and a scripted model, without a key and without a network.

    python -m examples.demo

Its data is in `var/demo` (AGENTSITE_DATA), apart from an installation beside it. PORT and HOST work as for `make run`.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Prepare the data, serve until a signal, and return the server's exit code."""
    from examples.demo.model_server import LISTENER_PATH, MODELS, ModelServer

    model = ModelServer()
    threading.Thread(target=model.serve_forever, daemon=True).start()
    endpoint = {"name": "demo", "kind": "openai", "base_url": model.base_url, "models": list(MODELS)}
    os.environ |= {
        "AGENTSITE_DATA": os.environ.get("AGENTSITE_DATA") or str(ROOT / "var" / "demo"),
        "AGENTSITE_ENDPOINTS": json.dumps([endpoint]),
        "AGENTSITE_TOOLS": "examples.demo.shop_tools",
        "AGENTSITE_APPS": "examples.demo",
        "AGENTSITE_WEBHOOK_HOSTS": model.host,
        "DEMO_LISTENER": f"http://{model.host}{LISTENER_PATH}",
        "DJANGO_SETTINGS_MODULE": "agentsite.settings",
    }
    Path(os.environ["AGENTSITE_DATA"]).mkdir(parents=True, exist_ok=True)
    prepare()
    sys.stdout.write("The demo's runs begin with the server. Sign in, and look at Runs and at the Inbox.\n")
    sys.stdout.flush()
    # In a session of its own: a terminal sends Ctrl-C to both, and the server would take it for a second one.
    server = subprocess.Popen([sys.executable, "manage.py", "serve"], cwd=ROOT, start_new_session=True)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _frame: server.send_signal(number))
    return server.wait()


def prepare() -> None:
    """Migrate the database and make the demo's rows, but for those of an account, which come with the first one."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from examples.demo.belongings import LISTENER, find_listener
    from examples.demo.seed import seed

    call_command("migrate", verbosity=0)
    seed()
    find_listener(os.environ[LISTENER])
    connection.close()


if __name__ == "__main__":
    sys.exit(main())
