"""Model calls with retries, fallback, races, time limits, budgets, circuit breakers and cooldowns."""
