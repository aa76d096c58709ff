"""The head of a request, line and headers, is bounded here: httptools alone takes and keeps any length.

What stands in a body is bounded in door.py, which sees a request only when its head is complete.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zhiyin.service.problems import problem

MAX_HEAD = 65_536  # bytes; a read that completes a head may hold more


class BoundedHead(HttpToolsProtocol):
    """HTTP as uvicorn speaks it. Who sends a head without end hears 431 and is hung up on."""

    _in_head = True
    _size = 0  # bytes of the head that is coming in, but for those that came together with the request before

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        super().data_received(data)
        if self._in_head and self._size > MAX_HEAD and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._size = True, 0
        super().on_message_complete()

    def _refuse(self) -> None:
        told = f"the head of a request has at most {MAX_HEAD:,} bytes"
        answer = problem(431, told, headers={"Connection": "close"})
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + lines + b"\r\n" + answer.body)
        self.transport.close()
