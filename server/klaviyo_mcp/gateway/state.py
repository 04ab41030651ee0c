"""The state of one request while it waits, is sent, and is sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from klaviyo_mcp.errors import InDoubtError
from klaviyo_mcp.gateway.options import RequestContext, RequestOptions
from klaviyo_mcp.gateway.pacing import LimitKey
from klaviyo_mcp.telemetry import tracing


@dataclass(slots=True)
class RequestState:
    """One request under way; times are on the event loop's clock."""

    context: RequestContext
    limit_key: LimitKey
    started_at: float
    deadline: float
    has_rest_only: bool = False
    """Earlier requests of its call have used up time that this one would have had."""
    attempts: int = 0
    waited_seconds: float = 0.0
    waits_for_limit: bool = False
    """It is held back by Klaviyo's rate limit at this moment."""
    sent: bool = False
    """Bytes of the present attempt may have reached the gateway."""
    doubt: InDoubtError | None = None
    """The error of an earlier attempt that may have been applied: no later failure can say that nothing was changed."""

    @property
    def options(self) -> RequestOptions:
        return self.context.options

    @property
    def seconds_left(self) -> float:
        return self.deadline - anyio.current_time()

    @property
    def seconds_spent(self) -> float:
        return anyio.current_time() - self.started_at

    @property
    def time_given(self) -> float | None:
        """The seconds that the request had until now; None where it had only the rest of a call's time."""
        return None if self.has_rest_only else self.seconds_spent

    def add_wait(self, seconds: float) -> None:
        """Count a wait, for the reply and for the call's line in the log."""
        self.waited_seconds += seconds
        tracing.add_wait(seconds)

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace hook: the request counts as sent once its headers are being written.

        The CONNECT of a tunnel through a proxy is not the request.
        """
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True
