"""How much may be asked for: what a form, the API and the admin take at the most."""

from decimal import Decimal

MAX_TASK_BYTES = 256 * 1024
MAX_TURNS_ALLOWED = 1000
MAX_SECONDS_ALLOWED = 86_400
MAX_TOKENS_ALLOWED = 1_000_000_000
MIN_COST_ALLOWED = Decimal("0.0001")
MAX_COST_ALLOWED = Decimal(100_000)
MIN_TIME_LIMIT_S, MAX_TIME_LIMIT_S = 0.1, 3600
"""How long one thing may be waited for."""
MIN_CONTEXT_TOKENS = 1_000
MAX_APPROVAL_SECONDS = 30 * 86_400
MAX_PRIORITY = 100
MAX_RUNS_AT_ONCE = 100_000
