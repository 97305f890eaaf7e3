from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg

from bstviz.server.routes import middleware


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for message in socket.iter_bytes():
        await socket.send_bytes(message)


def test_no_visitor_empties_the_caches_of_all() -> None:
    app = Starlette(routes=[WebSocketRoute("/_stcore/stream", echo)], middleware=middleware())
    others = [BackMsg(app_heartbeat=True).SerializeToString(), b"no message", b""]
    with TestClient(app).websocket_connect("/_stcore/stream") as socket:
        for message in (BackMsg(clear_cache=True).SerializeToString(), *others):
            socket.send_bytes(message)
        assert [socket.receive_bytes() for _ in others] == others
