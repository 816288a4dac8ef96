"""Who may write: whoever knows the token. Pages carry a session made from it, programs send it as a bearer token.

A session is a signed cookie that no other site can make the browser send (SameSite=Strict); a form that writes also
carries a word derived from the session, so that a cookie alone is never enough.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "orchestrator_session"
SESSION_SECONDS = 12 * 3600
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
)


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A person who has given the token; `form_token` goes into every form of theirs."""

    form_token: str


class WriteAccess:
    """Tells who knows the token.

    Args:
        token: what must be known to write; "" lets nobody write.
    """

    def __init__(self, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._token = token
        self._key = hashlib.sha256(b"orchestrator dashboard session\x00" + token.encode()).digest()
        self._clock = clock

    @property
    def open(self) -> bool:
        """Whether anybody can write at all."""
        return bool(self._token)

    def knows(self, word: str) -> bool:
        """Whether this is the token."""
        return self.open and hmac.compare_digest(word.encode(), self._token.encode())

    def bearer(self, authorization: str) -> bool:
        """Whether an Authorization header carries the token."""
        scheme, _, word = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.knows(word.strip())

    def new_cookie(self) -> str:
        """A cookie for somebody who knows the token."""
        body = f"{secrets.token_urlsafe(18)}.{int(self._clock()) + SESSION_SECONDS}"
        return f"{body}.{self._sign('session', body)}"

    def session(self, cookie: str) -> LoginSession | None:
        """The session of a cookie, None when it is not ours or too old."""
        body, _, signature = cookie.rpartition(".")
        if not self.open or not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return None
        if not body.rpartition(".")[2].isdigit() or int(body.rpartition(".")[2]) < self._clock():
            return None
        return LoginSession(self._sign("form", body))

    def may_submit(self, session: LoginSession | None, form_token: str) -> bool:
        """Whether a form comes from a page of this session."""
        return session is not None and hmac.compare_digest(form_token.encode(), session.form_token.encode())

    def _sign(self, purpose: str, body: str) -> str:
        return hmac.new(self._key, f"{purpose}\x00{body}".encode(), hashlib.sha256).hexdigest()


def same_origin(headers: Headers) -> bool:
    """Whether a request that writes was made by a page of this server, or by no page at all."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


class Guarded:
    """Adds the security headers to every answer, and turns requests for foreign host names away.

    A page of another site whose name is made to point to this machine (DNS rebinding) asks with that name.

    Args:
        hosts: names this server answers to, without ports; "*" for any.
    """

    def __init__(self, application: ASGIApp, hosts: frozenset[str]) -> None:
        self._application = application
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if "*" not in self._hosts and host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            refusal = PlainTextResponse("This server does not answer to that name; see --allow-host.\n", 421)
            await refusal(scope, receive, send_guarded)
            return
        await self._application(scope, receive, send_guarded)


def host_name(host: str) -> str:
    """A Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.partition(":")[0].lower()
