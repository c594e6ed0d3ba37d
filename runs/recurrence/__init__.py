"""Recurring times: what a schedule's words mean, when its ticks are due, and what becomes of each. Needs no Django."""
