"""The client of MCP servers: connections with their owner tasks, and the calls of their tools."""
