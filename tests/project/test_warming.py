"""Warming up: what the first run needs is loaded before the run comes."""

import os
import subprocess
import sys

from tests.live_site import ROOT

LOADED = """
import sys
from runs.management.warm_up import warm_up
SLOW = {"pint", "markdown_it", "nh3", "openai", "anthropic", "google.genai"}
before = SLOW & set(sys.modules)
warm_up(%s).join()
print(sorted(before), sorted(SLOW & set(sys.modules)))
"""
LOCAL = '[{"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}]'


def loaded(arguments: str = "", *, code: str = LOADED, **environment: str) -> str:
    """What `code` prints: the modules loaded before warming up and after it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code % arguments],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_units_are_loaded_beside_the_start_and_markdown_by_a_process_of_its_own() -> None:
    assert loaded() == "[] ['pint']"


def test_the_sdk_of_a_model_that_can_be_used_is_loaded_and_no_other() -> None:
    assert loaded(ANTHROPIC_API_KEY="sk-none") == "[] ['anthropic', 'pint']"
    assert loaded(AGENTSITE_ENDPOINTS=LOCAL) == "[] ['openai', 'pint']"


def test_a_process_that_hosts_no_runs_loads_no_sdk() -> None:
    assert loaded("hosts_runs=False", ANTHROPIC_API_KEY="sk-none") == "[] ['pint']"


COMPILED = """
import django
django.setup()
from django.template import engines
from runs.management.warm_up import warm_up
warm_up(%s).join()
(loader,) = engines["django"].engine.template_loaders
names = {origin.template_name for template in loader.get_template_cache.values() for origin in [template.origin]}
print("runs/run_detail.html" in names, "runs/partials/stage_answer.html" in names)
"""


def test_a_process_that_serves_pages_has_compiled_them_before_somebody_comes() -> None:
    django = {"DJANGO_SETTINGS_MODULE": "agentsite.settings"}

    assert loaded("hosts_runs=False, serves_pages=True", code=COMPILED, **django) == "True True"
    assert loaded("hosts_runs=False", code=COMPILED, **django) == "False False"
