"""The lab for hosts, and for `make run`: app.py with security headers and a page that keeps still.

`streamlit run asgi.py` serves it, as does any ASGI server, such as `uvicorn asgi:app`.
"""

import streamlit as st
from starlette.middleware import Middleware

from cnn_lab.app.first_paint import FirstPaint
from cnn_lab.app.hosting import Guard, UploadLimit, opening_browser

app = st.App(
    "app.py",
    middleware=[Middleware(Guard), Middleware(UploadLimit), Middleware(FirstPaint)],
    lifespan=opening_browser,
)
