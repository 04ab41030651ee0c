"""An embedded Klaviyo and Maton to try, demo and test against. Imports nothing of klaviyo_tools or the server.

`create()` builds a populated `Sandbox`, an ASGI application: mount it in `httpx.ASGITransport`, or serve it on a port.
"""

from __future__ import annotations

from klaviyo_mcp.sandbox.app import Sandbox, Seen, create
from klaviyo_mcp.sandbox.faults import Fault, Faults, RateLimits

__all__ = ["Fault", "Faults", "RateLimits", "Sandbox", "Seen", "create"]
