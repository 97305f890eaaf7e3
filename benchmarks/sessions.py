"""A visitor without a browser: a session of the app over Streamlit's own websocket.

Twenty browsers do not fit on a small machine; twenty of these do. A session sends what a browser would send (the states
of widgets, the triggers of components, uploads, the address), keeps what the page shows, asks again where a part of the
page asks for that by itself (``run_every``), and notes what went wrong: exceptions, error messages, a lost connection.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 120.0
"""Seconds that a visitor waits for a page, and for bytes."""
MESSAGE_AGE = 2
"""Runs after which a browser forgets a message that was not shown again, as Streamlit's does."""
ERROR = 1
"""Format of an alert that tells of an error."""


class RefusedError(Exception):
    """What a visitor wanted could not be had: a page in time, an element, bytes."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An element of the page: what it is, the run of the script that showed it, and the fragment that it belongs to."""

    element: Element
    run: str
    fragment: str

    @property
    def content(self) -> Any:
        """The element's own message."""
        return getattr(self.element, self.element.WhichOneof("type") or "empty")

    @property
    def id(self) -> str:
        """Of a widget or component, empty for others."""
        return str(getattr(self.content, "id", ""))


class Session:
    """One visitor's connection, to be used with ``async with``.

    Args:
        address: Of the app, as ``http://localhost:8501``.
        patience: Seconds to wait for a page.

    Attributes:
        page: Name of the page that is open.
        problems: What went wrong so far.
    """

    def __init__(self, address: str, *, patience: float = PATIENCE) -> None:
        self.address, self.patience, self.page, self.id = address.rstrip("/"), patience, "", ""
        self.problems: list[str] = []
        self._query, self._hash, self._run = "", "", ""
        self._shown: dict[tuple[int, ...], Shown] = {}
        self._messages: dict[str, tuple[ForwardMsg, int]] = {}
        self._runs = 0
        self._answers: dict[str, Any] = {}
        self._again: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._uploads: dict[str, str] = {}
        self._turn, self._news, self._stands = asyncio.Lock(), asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> Session:
        self._token = await asyncio.to_thread(self._asked_token)
        self._socket: ClientConnection = await connect(
            f"ws{self.address.removeprefix('http')}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            origin=self.address,  # type: ignore[arg-type]
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for task in (self._reader, *self._tasks):
            task.cancel()
        await self._socket.close()

    def _asked_token(self) -> str:
        """The token against forged requests, which uploads have to name."""
        with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=PATIENCE) as answer:
            return SimpleCookie(answer.headers["Set-Cookie"] or "")["_streamlit_xsrf"].value

    # What the page shows

    def elements(self, kind: str | None = None) -> Iterator[Shown]:
        """Elements of the page from top to bottom, of one kind or all."""
        for _, shown in sorted(self._shown.items()):
            if kind is None or shown.element.WhichOneof("type") == kind:
                yield shown

    def find(self, key: str) -> Shown | None:
        """The widget or component of a key, if the page has it."""
        return next((shown for shown in self.elements() if shown.id.endswith(f"-{key}")), None)

    def widget(self, key: str) -> Shown:
        """The widget or component of a key; RefusedError where there is none."""
        found = self.find(key)
        if found is None:
            raise RefusedError(f"{self.page} has no {key}")
        return found

    def data(self, key: str) -> dict[str, Any]:
        """What a component was given; RefusedError where there is none."""
        found: dict[str, Any] = json.loads(self.widget(key).content.json)
        return found

    def texts(self) -> list[str]:
        """Words of the page: of texts, messages and progress bars."""
        found = []
        for shown in self.elements():
            content = shown.content
            found += [str(getattr(content, name)) for name in ("body", "text") if hasattr(content, name)]
        return found

    # What a visitor does

    async def open(self, page: str, query: str = "") -> float:
        """Open a page, by its name in the address; seconds until it stands."""
        self.page, self._query = page, query
        return await self._rerun(ClientState(page_name=page))

    async def trigger(self, key: str, event: str, value: object) -> float:
        """Let a component report an event; seconds until the page stands."""
        found = self.widget(key)
        state = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{found.id}__events")
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        return await self._with(state, found)

    async def choose(self, key: str, option: str) -> float:
        """Choose an option of a select box; seconds until the page stands."""
        found = self.widget(key)
        return await self._with(WidgetState(id=found.id, string_value=option), found)

    async def press(self, label: str) -> float:
        """Press the first button of a label; seconds until the page stands."""
        for shown in self.elements("button"):
            if shown.content.label == label:
                return await self._with(WidgetState(id=shown.id, trigger_value=True), shown)
        raise RefusedError(f"{self.page} has no button {label!r}")

    async def drop(self, key: str, name: str, data: bytes) -> float:
        """Upload a file, in place of what was uploaded before, which is taken away first as by its cross; seconds until
        the page stands.
        """
        start, found = time.perf_counter(), self.widget(key)
        before = self._uploads.pop(key, None)
        request = BackMsg()
        request.file_urls_request.request_id = uuid.uuid4().hex
        request.file_urls_request.session_id = self.id
        request.file_urls_request.file_names.append(name)
        await self._send(request)
        number = request.file_urls_request.request_id
        await self.until(lambda: number in self._answers)
        (urls,) = self._answers.pop(number).file_urls
        try:
            if before is not None:
                await asyncio.to_thread(self._send_to, before, "DELETE")
            await asyncio.to_thread(self._put, urls.upload_url, name, data)
        except OSError as error:
            raise RefusedError(f"{self.page}: {name} could not be uploaded ({error})") from None
        self._uploads[key] = urls.delete_url
        state = WidgetState(id=found.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = urls.file_id, name, len(data)
        info.file_urls.CopyFrom(urls)
        await self._with(state, found)
        return time.perf_counter() - start

    async def until(self, holds: Callable[[], bool]) -> float:
        """Seconds until something holds of the page; RefusedError where it does not in time."""
        start = time.perf_counter()
        while not holds():
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), max(start + self.patience - time.perf_counter(), 0))
            except TimeoutError:
                raise RefusedError(
                    f"{self.page} did not show what was waited for within {self.patience:.0f} s"
                ) from None
        return time.perf_counter() - start

    async def fetch(self, url: str) -> bytes:
        """Bytes at an address that the page gave; RefusedError where there are none."""
        try:
            return await asyncio.to_thread(self._get, url)
        except OSError as error:
            raise RefusedError(f"{self.page}: {url[:40]} could not be fetched ({error})") from None

    def _get(self, url: str) -> bytes:
        with urllib.request.urlopen(f"{self.address}/{url.lstrip('/')}", timeout=PATIENCE) as answer:
            return bytes(answer.read())

    def _put(self, url: str, name: str, data: bytes) -> None:
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: audio/wav\r\n\r\n".encode() + data + f"\r\n--{edge}--\r\n".encode()
        self._send_to(url, "PUT", body, {"Content-Type": f"multipart/form-data; boundary={edge}"})

    def _send_to(self, url: str, method: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
        own = {"X-Xsrftoken": self._token, "Cookie": f"_streamlit_xsrf={self._token}", **(headers or {})}
        request = urllib.request.Request(self.address + url, body, own, method=method)
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    # The protocol

    async def _with(self, state: WidgetState, shown: Shown) -> float:
        """Run the page, or the fragment that a widget is in, with a new state of it."""
        client = ClientState(fragment_id=shown.fragment)
        client.widget_states.widgets.append(state)
        return await self._rerun(client)

    async def _rerun(self, client: ClientState) -> float:
        """Seconds until the page stands as it is after a run of its script."""
        start = time.perf_counter()
        async with self._turn:  # as the server does, which answers one after the other
            client.query_string, client.page_script_hash = self._query, "" if client.page_name else self._hash
            client.cached_message_hashes.extend(self._messages)
            self._stands.clear()
            await self._send(BackMsg(rerun_script=client))
            try:
                await asyncio.wait_for(self._stands.wait(), self.patience)
            except TimeoutError:
                raise RefusedError(f"{self.page} did not stand within {self.patience:.0f} s") from None
        return time.perf_counter() - start

    async def _send(self, message: BackMsg) -> None:
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise RefusedError(f"the connection was lost: {error}") from None

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
                if message.WhichOneof("type") == "ref_hash":
                    known = ForwardMsg()
                    known.CopyFrom(self._messages[message.ref_hash][0])
                    known.metadata.CopyFrom(message.metadata)
                    message = known
                elif message.metadata.cacheable:
                    self._messages[message.hash] = message, self._runs
                if message.hash in self._messages:
                    self._messages[message.hash] = self._messages[message.hash][0], self._runs
                self._take(message)
                self._news.set()
        except Exception as error:
            self.problems.append(f"the connection was lost: {error!r}")
            raise

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.id = message.new_session.initialize.session_id
            self._run, self._hash = message.metadata.run.script_run_id, message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:
                self._again = {}
        elif kind == "navigation":
            self._hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta":
            self._show(tuple(message.metadata.delta_path), message)
        elif kind == "file_urls_response":
            self._answers[message.file_urls_response.response_id] = message.file_urls_response
        elif kind == "auto_rerun":
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._again.pop(fragment, None)
        elif kind == "script_finished":
            self._finish(message)

    def _show(self, path: tuple[int, ...], message: ForwardMsg) -> None:
        delta = message.delta
        if delta.WhichOneof("type") == "add_block":
            self._shown.pop(path, None)
        elif delta.WhichOneof("type") == "new_element":
            for below in [other for other in self._shown if other[: len(path)] == path]:
                del self._shown[below]
            shown = self._shown[path] = Shown(delta.new_element, self._run, delta.fragment_id)
            kind = shown.element.WhichOneof("type")
            if kind == "exception":
                self.problems.append(f"{self.page}: {shown.content.type}: {shown.content.message}")
            elif kind == "alert" and shown.content.format == ERROR:
                self.problems.append(f"{self.page}: {shown.content.body}")

    def _finish(self, message: ForwardMsg) -> None:
        status, run = message.script_finished, message.metadata.run
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.problems.append(f"{self.page}: the script does not compile")
        whole = status != ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
        for path, shown in list(self._shown.items()):
            if shown.run != self._run and (whole or shown.fragment in run.fragment_ids):
                del self._shown[path]
        self._runs += 1
        self._messages = {name: (m, at) for name, (m, at) in self._messages.items() if self._runs - at <= MESSAGE_AGE}
        self._stands.set()

    def _repeat(self, fragment: str, interval: float) -> None:
        """Run a fragment again and again until it, or the page, has had enough of it."""
        asked = self._again
        if asked.get(fragment) == interval:
            return
        asked[fragment] = interval

        async def ask() -> None:
            while True:
                await asyncio.sleep(interval)
                if asked is not self._again or asked.get(fragment) != interval:  # the page is another one by now
                    return
                try:
                    await self._rerun(ClientState(fragment_id=fragment, is_auto_rerun=True))
                except RefusedError as error:
                    self.problems.append(str(error))
                    return

        task = asyncio.create_task(ask())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
