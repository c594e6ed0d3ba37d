"""Typed payloads of steps, one class per kind, and their JSON form in storage, pages and the API."""
