"""The MCP server through which an AI agent runs a Klaviyo account.

How a call travels, and where to look:

    cli, start, settings, logs      the command, its settings, what it says on stderr
    stdio, descriptors, http, sse, auth, listening   the transports
    app, asking                     the MCP server, and what a call may ask of its session
    instructions, guides, prompts, resources, completion   what models and people are told beside the tools
    calls, call, discovery          the tools, one call of one, the tools that reach all others
    policy, confirmation, preview, audience, phrases, accounts, handover, uploads
                                    what may run, what a person confirms, on which account
    maton, exchange, wire, address, refusals, pacing, connections, tracing   the client of the gateway
    paging, following               page after page; a job to its end
    summary, table, cells, fieldsets, counting, untrusted   answers
    reports, report_table, figures, names, reads   reports that read themselves
    errors                          everything that can be told to go wrong
    demo, doctor, connect, single, listing   the other commands
    sandbox                         an embedded Klaviyo and Maton
"""

__version__ = "0.1.0"
