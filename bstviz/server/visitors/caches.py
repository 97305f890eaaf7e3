"""What is kept for all visitors is emptied by none of them.

Streamlit's protocol has a message that empties every cache of the server, for the menu of whoever develops an app. It
is obeyed whoever sends it, before anybody has logged in too; here it is not let through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class KeepsCaches:
    """Middleware that passes over the message that empties the caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def next_of_others() -> Message:
            while True:
                message = await receive()
                if not _empties_caches(message.get("bytes") or b""):
                    return message

        await self._app(scope, next_of_others if scope["type"] == "websocket" else receive, send)


def _empties_caches(message: bytes) -> bool:
    from streamlit.proto.BackMsg_pb2 import BackMsg

    try:
        return bool(BackMsg.FromString(message).WhichOneof("type") == "clear_cache")
    except Exception:  # no message at all: Streamlit's to refuse
        return False
