"""`python -m klaviyo_mcp` is the command `klaviyo-mcp`."""

from .start import main

main()
