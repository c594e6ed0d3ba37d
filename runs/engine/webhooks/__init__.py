"""Webhooks: what happens to runs is written down for them with the change itself, and sent until it is taken."""
