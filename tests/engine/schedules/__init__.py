"""Schedules: what is launched, skipped, queued and missed, and what people do with them."""
