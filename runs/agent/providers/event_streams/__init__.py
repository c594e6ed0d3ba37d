"""Streamed HTTP replies: read with size limits, and normalised to the form that the format's SDK expects."""
