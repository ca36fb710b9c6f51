"""What Streamlit's page has from its first moment, so that nothing moves while it loads."""

import json
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cnn_lab.content import prose

_HERE = Path(__file__)
SHEET = _HERE.with_suffix(".css").read_text(encoding="utf-8")
SCRIPT = _HERE.with_suffix(".js").read_text(encoding="utf-8")
OK = 200
_HEAD_END = b"</head>"
_ENCODING = b"accept-encoding"
_UNCHANGED = ("etag", "last-modified")  # they tell of Streamlit's own file


class FirstPaint:
    """Add the lab's style sheet and a script to Streamlit's page on its way to the browser.

    What the lab's pages send as style comes with their first message. By then Streamlit has drawn
    an empty page, which the sidebar moves aside, and then each part moves those below it. The
    script has the words for a lost connection as well, since no message can bring them then, and
    says where the server is, so that the page need not look for it.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        lost = {"title": prose("full", "lost_title"), "sentence": prose("full", "lost")}
        self._added = (
            f"<style>\n{SHEET}</style>\n"
            f'<script type="application/json" id="cnn-lab-lost">{json.dumps(lost)}</script>\n'
            f"<script>\n{SCRIPT}</script>\n"
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        if is_read and "text/html" in Headers(scope=scope).get("accept", ""):
            # Compressed, the page could not be added to; it is 10 KB.
            plain = [(name, value) for name, value in scope["headers"] if name != _ENCODING]
            await self._app({**scope, "headers": plain}, receive, self._with_more(send))
        else:
            await self._app(scope, receive, send)

    def _with_more(self, send: Send) -> Send:
        start: Message | None = None
        page = b""

        async def send_with_more(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                kind = headers.get("content-type", "")
                if message["status"] == OK and kind.startswith("text/html"):
                    start = message
                    return
            elif start is not None and message["type"] == "http.response.body":
                page += message.get("body", b"")
                if message.get("more_body"):
                    return
                page = page.replace(_HEAD_END, self._added + _HEAD_END, 1)
                headers = MutableHeaders(scope=start)
                headers["content-length"] = str(len(page))
                for name in _UNCHANGED:
                    del headers[name]
                await send(start)
                message = {"type": "http.response.body", "body": page}
            await send(message)

        return send_with_more
