"""Recurring times: cron, words, jitter, missed ticks and overlap, without a database."""
