"""The MCP server through which an AI agent runs a Klaviyo account."""

__version__ = "0.1.0"
