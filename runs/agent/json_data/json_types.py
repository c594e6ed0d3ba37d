"""Types of parsed JSON.

The values are `Any`: they come from models, tools, people and stored rows, and each reader checks what it reads.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object."""
JsonMapping: TypeAlias = Mapping[str, Any]
"""A JSON object that is only read."""
