"""What the first run would wait for is loaded before it comes."""

import subprocess
import sys

from tests.live_site import ROOT

LOADED = """
import sys
from runs.management.warming import warm_up
before = {"pint", "markdown_it", "nh3"} & set(sys.modules)
warm_up().join()
print(sorted(before), sorted({"pint", "markdown_it", "nh3"} & set(sys.modules)))
"""


def test_units_and_markdown_are_loaded_beside_the_start_and_not_in_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[] ['markdown_it', 'nh3', 'pint']"
