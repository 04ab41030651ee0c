"""Only authenticated clients get in, and a refused one learns where to get a token (RFC 6750, RFC 9728)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from klaviyo_mcp.settings import Settings
from klaviyo_mcp.transports.auth import public_resources

WELL_KNOWN = "/.well-known/oauth-protected-resource"


class RequireAccess:
    """Answers 401 to a client without a valid token, 403 to one whose token lacks a scope.

    Args:
        application: What authenticated clients reach.
        scopes: Scopes that a token must have.
        metadata_url: Where the metadata of the resource is; None without an OAuth issuer.
    """

    def __init__(self, application: ASGIApp, scopes: tuple[str, ...], metadata_url: str | None = None) -> None:
        self._application = application
        self._scopes = scopes
        self._metadata_url = metadata_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(scope.get("user"), AuthenticatedUser):
            refusal = self._refusal(401, "invalid_token", "Authentication required")
        elif missing := [needed for needed in self._scopes if needed not in scope["auth"].scopes]:
            refusal = self._refusal(403, "insufficient_scope", f"Required scope: {missing[0]}")
        else:
            await self._application(scope, receive, send)
            return
        await refusal(scope, receive, send)

    def _refusal(self, status: int, error: str, description: str) -> Response:
        parts = {"error": error, "error_description": description}
        if self._scopes:
            parts["scope"] = " ".join(self._scopes)
        if self._metadata_url is not None:
            parts["resource_metadata"] = self._metadata_url
        challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())
        body = {"error": error, "error_description": description}
        return JSONResponse(body, status_code=status, headers={"WWW-Authenticate": challenge})


class AccessControl:
    """Protects the endpoints of one server, and offers the routes that describe them.

    Args:
        settings: Scopes, issuers and the URLs under which clients know the endpoints.
        is_open: Whether clients need not authenticate.
    """

    def __init__(self, settings: Settings, *, is_open: bool) -> None:
        self._settings = settings
        self._is_open = is_open
        self._resources = dict(zip(("/mcp", "/sse"), resources_of(settings), strict=False))

    def protect(self, path: str) -> Callable[[ASGIApp], ASGIApp]:
        """The middleware of the endpoint at a path."""
        if self._is_open:
            return lambda application: application
        resource = self._resources.get(path) if self._settings.oauth_issuer else None
        metadata_url = metadata_url_of(resource) if resource else None
        return lambda application: RequireAccess(application, self._settings.oauth_scopes, metadata_url)

    def routes(self) -> list[BaseRoute]:
        """The metadata of each resource, at the path of its own URL and at that of the endpoint."""
        if not self._settings.oauth_issuer:
            return []
        pages: dict[str, Callable[[Request], Response]] = {}
        for path, resource in self._resources.items():
            page = self._metadata(resource)
            pages[WELL_KNOWN + path] = pages[urlsplit(metadata_url_of(resource)).path] = page
        return [Route(path, page, methods=["GET"]) for path, page in pages.items()]

    def _metadata(self, resource: str) -> Callable[[Request], Response]:
        # Issuers and resource are compared as strings: no library may add or take a slash.
        document = {
            "resource": resource,
            "authorization_servers": list(self._settings.oauth_issuer),
            "bearer_methods_supported": ["header"],
            "resource_name": "klaviyo-mcp",
        }
        if self._settings.oauth_scopes:
            document["scopes_supported"] = list(self._settings.oauth_scopes)
        return lambda _: JSONResponse(document, headers={"Cache-Control": "public, max-age=3600"})


def resources_of(settings: Settings) -> tuple[str, ...]:
    """The resource URLs of /mcp and /sse; without a public URL, an audience that is a URL stands for /mcp."""
    if settings.public_url:
        return public_resources(settings)
    return tuple(audience for audience in settings.oauth_audience if urlsplit(audience).scheme in ("https", "http"))[:1]


def metadata_url_of(resource: str) -> str:
    """Where RFC 9728 puts the metadata of a resource."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"
