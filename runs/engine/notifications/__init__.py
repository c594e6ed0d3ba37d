"""Notifications: what rules tell people is written down with the change itself, and sent by each of their channels."""
