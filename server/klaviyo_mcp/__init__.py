"""The MCP server through which an AI agent runs a Klaviyo account.

Its rooms, each of which imports only those below it:

    cli                 the commands; they put the parts together
    transports          stdio, HTTP and SSE, and who may use them
    protocol            MCP: tools, sessions, prompts, resources, completion
    calls               a call, from name and arguments to an answer; the guides
    safety, reports     what may run and what a person confirms; reports with names and totals
    account             which account a call goes to, its names, reads made for a call
    gateway, answers    the client of Maton's gateway; records as text
    telemetry           log and traces
    edge, settings, urls, errors, untrusted, cache
                        at the bottom, each using only those after it
    sandbox             an embedded Klaviyo and Maton; it imports nothing of the others
"""

__version__ = "0.1.0"
