"""One broker of the fake cluster: a ROUTER socket and the calls that came through it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeAlias

import zmq

from ..security import KeyPair
from ..wire import limits
from ..wire.header import HEADER_SIZE, Header, Kind, WireError
from .calls import Refusal, ServerCall

Called: TypeAlias = Callable[["FakeBroker", Header, bytes, bytes], "ServerCall | None"]


class FakeBroker:
    """Runs on the server's event loop, and on nothing else."""

    MESSAGES_PER_TURN = 32
    """Then handlers have their turn: else many calls at once would look like a broker that has died."""
    BIND_LIMIT = 2.0
    """Seconds that a socket of before may take to let go of the endpoint."""

    def __init__(
        self, number: int, endpoint: str, loop: asyncio.AbstractEventLoop, called: Called,
        keys: KeyPair | None = None,
    ) -> None:  # fmt: skip
        self.number = number
        self.is_frozen = False
        self.pongs = 0
        self.endpoint = endpoint
        self._loop = loop
        self._called = called
        self._keys = keys
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._clients: set[bytes] = set()
        self._calls: dict[tuple[bytes, int], ServerCall] = {}

    @property
    def clients(self) -> int:
        """That have said anything, whether or not they are still there."""
        return len(self._clients)

    async def bind(self) -> None:
        """Raises `OSError` when the endpoint cannot be had."""
        if self._socket is not None:
            return
        self._context = zmq.Context()
        socket = self._context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, limits.MESSAGE_SIZE)
        if self._keys is not None and self._keys.secret is not None:
            socket.curve_server = True
            socket.curve_secretkey = self._keys.secret.encode("ascii")
        end = self._loop.time() + self.BIND_LIMIT
        while True:
            try:
                socket.bind(self.endpoint)
                break
            except zmq.ZMQError as error:
                if self._loop.time() > end:
                    socket.close()
                    raise OSError(error.errno, f"{self.endpoint}: {error}") from None
                await asyncio.sleep(0.005)
        # A port that was chosen by the system stays the same when the broker comes back.
        self.endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._socket = socket
        self._loop.add_reader(socket.FD, self._readable)
        self._loop.call_soon(self._readable)

    def close(self) -> None:
        """Breaks every connection; calls that are open go on, and nobody hears of them."""
        if self._socket is None or self._context is None:
            return
        self._loop.remove_reader(self._socket.FD)
        self._socket.close(linger=0)
        # Waits until the socket is gone: libzmq removes its file only then, and would remove that of the next
        # one.
        self._context.term()
        self._socket = self._context = None
        if self.endpoint.startswith("ipc://") and os.path.exists(self.endpoint[6:]):
            os.unlink(self.endpoint[6:])
        self._clients.clear()
        self._calls.clear()

    def send(self, identity: bytes, frame: bytes) -> None:
        if self._socket is None or self.is_frozen:
            return
        try:
            self._socket.send_multipart([identity, frame], zmq.DONTWAIT)
        except zmq.ZMQError:
            self._clients.discard(identity)
        # Sending may have eaten the edge that says that there is something to read.
        self._loop.call_soon(self._readable)

    def broadcast(self, frame: bytes) -> None:
        for identity in list(self._clients):
            self.send(identity, frame)

    def ping_clients(self) -> None:
        self.broadcast(Header(Kind.PING, call_id=1).encode())

    def freeze(self, frozen: bool) -> None:
        self.is_frozen = frozen
        self._loop.call_soon(self._readable)

    def forget(self, call: ServerCall) -> None:
        for key, known in list(self._calls.items()):
            if known is call:
                del self._calls[key]

    def _readable(self) -> None:
        for _ in range(self.MESSAGES_PER_TURN):
            if self._socket is None or self.is_frozen:
                return
            try:
                message = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            if len(message) == 2:
                self._received(*message)
        self._loop.call_soon(self._readable)

    def _received(self, identity: bytes, frame: bytes) -> None:
        self._clients.add(identity)
        try:
            header = Header.decode(frame)
        except WireError:
            return
        key = (identity, header.call_id)
        if header.kind is Kind.PING:
            self.send(identity, Header(Kind.PONG, call_id=header.call_id).encode())
        elif header.kind is Kind.PONG:
            self.pongs += 1
        elif header.kind is Kind.CALL:
            call = self._called(self, header, frame, identity)
            if call is not None:
                self._calls[key] = call
        elif (known := self._calls.get(key)) is not None:
            self._continued(known, header, frame)

    def _continued(self, call: ServerCall, header: Header, frame: bytes) -> None:
        if header.kind is Kind.CANCEL:
            if call.task is not None:
                call.task.cancel()
        elif header.kind in (Kind.DATA, Kind.CREDIT):
            try:
                call.received(header, frame[HEADER_SIZE + header.metadata_length :])
            except Refusal as refusal:
                call.refuse(refusal)
                if call.task is not None:
                    call.task.cancel()
