"""Sign-ins at MCP servers by OAuth 2.1: discovery, clients, the authorization code, and tokens that are renewed."""
