"""`python -m klaviyo_mcp` is the command `klaviyo-mcp`."""

from .cli import main

main(prog_name="klaviyo-mcp")
