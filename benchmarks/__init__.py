"""How fast this server is, beside what it stands on: the protocol library below it, and a plain httpx call."""
