"""Replies as they come over HTTP: read within bounds, and put into the form their format's SDK expects."""
