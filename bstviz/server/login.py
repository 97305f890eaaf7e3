"""Login: where the setting ``login`` names people, nothing is shown or played to anybody else. Who somebody is,
Streamlit's OpenID Connect says (``[auth]`` of its ``secrets.toml``).

Pages ask for themselves (:func:`bstviz.ui.login.must_log_in`). What browsers fetch by address (sounds, arrays, media,
uploads) goes to a browser alone whose login cookie is that of a session which was let in here: Streamlit checked the
cookie's signature when that session began, and it is not checked a second time.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from bstviz.errors import UserError
from bstviz.paths import LOGIN_VARIABLE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOGIN_COOKIE = re.compile(r"_streamlit_user(_\d+)?")
"""Names of the cookies, one or several parts, in which Streamlit keeps who somebody is."""
WITHHELD = re.compile(r"(?:^|/)media/|(?:^|/)_stcore/(?!(?:health|host-config|stream)\Z|bidi-components/)")
"""Paths of Streamlit's that hold or take what visitors give and get. Open are what the page that asks needs, and the
websocket: its sessions ask for themselves."""
SECRET_CHARACTERS = 32
"""Of the cookies' secret, at least: whoever guesses it is anybody."""
NEEDED = ("redirect_uri", "cookie_secret")
OF_A_PROVIDER = ("client_id", "client_secret", "server_metadata_url")


def people() -> tuple[str, ...]:
    """Who may come in: addresses, patterns of them, ``*`` for everybody whom the provider knows. Nobody is asked to log
    in where there are none.
    """
    return tuple(one for one in os.environ.get(LOGIN_VARIABLE, "").split(os.pathsep) if one)


def may_enter(user: Mapping[str, Any]) -> bool:
    """Whether somebody is among the people who may come in.

    Args:
        user: Their claims, as the provider states them. An e-mail address that it calls unverified is none.
    """
    if "*" in people():
        return True
    address = str(user.get("email") or "").lower()
    verified = str(user.get("email_verified", True)).lower() == "true"  # some providers state it as a word
    return verified and any(fnmatchcase(address, one.lower()) for one in people())


def providers() -> tuple[str | None, ...]:
    """Names of the providers that somebody may log in with; None is the one without a name."""
    auth = _auth()
    named = [name for name, section in auth.items() if isinstance(section, Mapping) and "client_id" in section]
    return (*([None] if "client_id" in auth else []), *named)


def check() -> None:
    """Check what a server needs that people log in to.

    Raises:
        UserError: A package or a part of the configuration is missing, or would let in anybody.
    """
    if not people():
        return
    import streamlit

    if not (find_spec("authlib") and find_spec("httpx")):
        raise UserError("The setting login needs a package: pip install 'bstviz[login]'.")
    if not streamlit.get_option("server.enableXsrfProtection"):
        raise UserError(
            "The setting login needs Streamlit's server.enableXsrfProtection, which is off: nobody could log in."
        )
    auth = _auth()
    where = "[auth] of .streamlit/secrets.toml"
    if missing := [name for name in NEEDED if not auth.get(name)]:
        raise UserError(f"The setting login needs {' and '.join(missing)} in {where}; see docs/deploy.md.")
    if len(str(auth["cookie_secret"])) < SECRET_CHARACTERS:
        raise UserError(
            f"cookie_secret in {where} has {len(str(auth['cookie_secret']))} characters; allowed are "
            f"{SECRET_CHARACTERS} and more, drawn at random: python -c 'import secrets; print(secrets.token_hex(32))'."
        )
    if not providers():
        raise UserError(f"The setting login needs {', '.join(OF_A_PROVIDER)} of a provider in {where}.")
    for name in providers():
        section = auth if name is None else auth[name]
        if missing := [key for key in OF_A_PROVIDER if not section.get(key)]:
            raise UserError(f"{where}: the provider {name or 'without a name'} lacks {' and '.join(missing)}.")


def _auth() -> Mapping[str, Any]:
    """The section ``[auth]`` of Streamlit's secrets; empty where there is none."""
    import streamlit

    try:
        found = streamlit.secrets.get("auth", {})
    except FileNotFoundError:
        return {}
    return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, eq=False)
class Admission:
    """That a browser was let in. It counts for as long as a session holds it."""

    token: bytes


_ADMISSIONS: weakref.WeakValueDictionary[bytes, Admission] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


def admit(cookies: Mapping[str, str]) -> Admission | None:
    """Let in the browser of a session that has logged in.

    Args:
        cookies: Those that the session's websocket brought.

    Returns:
        What the session has to hold; None where no cookie tells this browser from others.
    """
    token = _token(cookies)
    if token is None:
        return None
    with _LOCK:
        found = _ADMISSIONS.get(token)
        if found is None:
            found = _ADMISSIONS[token] = Admission(token)
        return found


def answers(cookies: Mapping[str, str]) -> bool:
    """Whether what is not for strangers may go to a browser: it was let in, or nobody has to be."""
    token = _token(cookies)
    return not people() or (token is not None and _ADMISSIONS.get(token) is not None)


def _token(cookies: Mapping[str, str]) -> bytes | None:
    """What stands for the login cookie of a browser."""
    parts = sorted((name, value) for name, value in cookies.items() if LOGIN_COOKIE.fullmatch(name) and value)
    return hashlib.sha256(repr(parts).encode()).digest() if parts else None


class Withheld:
    """Middleware that keeps Streamlit's own routes from those who have not been let in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import HTTPConnection
        from starlette.responses import PlainTextResponse

        if scope["type"] == "http" and WITHHELD.search(scope["path"]) and not answers(HTTPConnection(scope).cookies):
            await PlainTextResponse("Log in first.", 401)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
