"""An embedded Klaviyo and Maton to try, demo and test against. Imports nothing of klaviyo_tools or the server."""
