"""Live conversations with MCP servers."""
