"""APIs whose operations are stored tools: their documents, their settings, and the calls of their operations."""
