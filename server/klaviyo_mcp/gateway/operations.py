"""Sends the requests of operations: how a request is retried, paced and explained follows from its operation, here.

Every request to the gateway goes through an `OperationSender`: those of calls, of previews, and of the commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Request

if TYPE_CHECKING:
    from klaviyo_mcp.gateway.client import GatewayClient
    from klaviyo_mcp.gateway.options import Reply, RequestOptions
    from klaviyo_mcp.gateway.pacing import OnWait

VerifyWith = Callable[[Operation], str | None]
"""From a write to the name of the read that shows whether it was applied, None where there is no such read."""


class OperationSender:
    """Sends requests by their operation, through a client that is built when the first request needs it.

    Args:
        create_client: Builds the client. It runs in a thread, because it imports httpx and reads certificates.
        revision: Klaviyo's API revision that the client sends; limits and answers depend on it.
        verify_with: Names the read that an error about a write in doubt points to.
    """

    def __init__(self, create_client: Callable[[], GatewayClient], *, revision: str, verify_with: VerifyWith) -> None:
        self._create_client = create_client
        self._revision = revision
        self._verify_with = verify_with
        self._client: GatewayClient | None = None
        self._creating = anyio.Lock()

    async def send(
        self,
        operation: Operation,
        request: Request,
        *,
        arguments: Arguments | None = None,
        deadline: float | None = None,
        on_wait: OnWait | None = None,
        connection: str | None = None,
    ) -> Reply:
        """Send one request of an operation and return its success.

        Args:
            operation: Decides whether the request may be sent again, its rate limit, and the words of its errors.
            request: The rendered request.
            arguments: The call's arguments, where effect and rate limit depend on them.
            deadline: When the request must have ended, on the event loop's clock; the client has its own limit too.
            on_wait: Awaited with the seconds and the reason before a wait of more than two seconds.
            connection: Id of the connection to use for this request, in place of the client's own.

        Raises:
            KlaviyoMcpError: No success came; the class says why.
        """
        options = self._options(operation, arguments, deadline, on_wait, connection)
        return await (await self.client()).send(request, options)

    async def client(self) -> GatewayClient:
        """The client, built in a thread when first needed."""
        if self._client is None:
            async with self._creating:
                if self._client is None:
                    self._client = await anyio.to_thread.run_sync(self._create_client)
        return self._client

    async def warm(self) -> None:
        """Do ahead of the first request what it needs: imports, the TLS context, the sandbox's store."""
        await (await self.client()).warm()

    async def aclose(self) -> None:
        """Close the connections to the gateway; a later request opens new ones."""
        if self._client is not None:
            await self._client.aclose()

    def _options(
        self,
        operation: Operation,
        arguments: Arguments | None,
        deadline: float | None,
        on_wait: OnWait | None,
        connection: str | None,
    ) -> RequestOptions:
        from klaviyo_mcp.gateway.options import RequestOptions
        from klaviyo_mcp.gateway.retry import RequestKind

        revision = self._revision
        rate = operation.usual_rate(revision) if arguments is None else operation.rate_of(arguments, revision)
        if operation.effect is Effect.READ:
            kind = RequestKind.READ
        else:
            kind = RequestKind.IDEMPOTENT_WRITE if operation.idempotent else RequestKind.WRITE
        return RequestOptions(
            operation.name,
            kind,
            scopes=operation.scopes,
            verify_with=None if kind is RequestKind.READ else self._verify_with(operation),
            rate=rate,
            expects_body=_expects_body(operation, revision),
            argument_names={"id": operation.id_argument} if operation.id_argument else {},
            deadline=deadline,
            on_wait=on_wait,
            connection=connection,
        )


def _expects_body(operation: Operation, revision: str) -> bool:
    """Whether a success with status 200 or 201 has a body at this revision."""
    silent = operation.revisions.empty_success_since is not None and operation.revisions.empty_success_since <= revision
    return operation.answer is not AnswerKind.NOTHING and not silent
