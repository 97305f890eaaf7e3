"""Who may use the HTTP interface: whoever has the token; without one, programs of this machine alone.

A page of another site that a browser on this machine shows is no such program, though what it asks comes from here: it
asks for a host of its own name, and so is told apart by the header ``Host`` ("DNS rebinding").

References: RFC 6750, "Bearer Token Usage".
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bstviz import stored
from bstviz.errors import UserError

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{32,1000}=*")
MAKE_TOKEN = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
TOKEN_BYTES = 4_096


@dataclass(frozen=True)
class Access:
    """What a program has to show.

    Attributes:
        token: The secret; None where programs of this machine need none.
    """

    token: str | None = field(default=None, repr=False)

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Why a request is not answered, by its headers; None where it is.

        The token is compared in a time that does not depend on where it differs.
        """
        if self.token is None:
            if is_loopback(_host(headers.get("host", ""))):
                return None
            return (
                "Without a token only programs of this machine are answered, at localhost. Set a token: docs/http.md."
            )
        kind, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self.token.encode())
        if kind.lower() == "bearer" and same:
            return None
        return "The token is missing or is another one. Send it in the header Authorization: Bearer TOKEN."


def access_of(token: str, file: Path | None, address: str, *, people_log_in: bool) -> Access:
    """The access that a server gives.

    Args:
        token: Of the settings; "" where there is none.
        file: That holds the token in place of the settings.
        address: That the server listens on.
        people_log_in: Whether the setting ``login`` names people.

    Raises:
        UserError: The token is too short to be a secret, or there has to be one.
    """
    if file is not None:
        token = stored.read_text(file, limit=TOKEN_BYTES).strip()
    if token:
        if not TOKEN.fullmatch(token):
            raise UserError(
                f"The token has {len(token)} characters; allowed are 32 to 1,000 letters, digits and ._~+/-. Make one "
                f"at random: {MAKE_TOKEN}"
            )
        return Access(token)
    if not is_loopback(address):
        raise UserError(
            f"The server listens on {address}, where others reach it, and has no token. Name a file that holds one, "
            f"--token-file FILE, or listen on localhost. Make one at random: {MAKE_TOKEN}"
        )
    if people_log_in:
        raise UserError(
            "People log in here (the setting login), and programs would not have to. Name a file that holds a token, "
            f"--token-file FILE. Make one at random: {MAKE_TOKEN}"
        )
    return Access()


def is_loopback(host: str) -> bool:
    """Whether a name or an address stands for this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _host(header: str) -> str:
    """The host of a header ``Host``, without its port."""
    return re.sub(r":\d{1,5}\Z", "", header) if header.startswith("[") or header.count(":") == 1 else header
