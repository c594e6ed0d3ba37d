"""APIs with an OpenAPI document (3.0 and 3.1): their operations as tools, and the requests of their calls."""
