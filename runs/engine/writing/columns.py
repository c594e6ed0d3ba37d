"""The values of a row that is written."""

from typing import Any, TypeAlias

Columns: TypeAlias = dict[str, Any]
"""The values of a step, a call or a run by the names of their columns, as the fields of the model take them."""
