"""What Klaviyo can do: every operation as a declaration. Imports pydantic, nothing of the server."""
