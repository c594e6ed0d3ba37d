"""Hostile readers that request much and read nothing: memory of the server, and latency of other users."""
