"""The lab for hosts, and for `make run`: app.py behind security headers.

`streamlit run asgi.py` serves it, as does any ASGI server, such as `uvicorn asgi:app`.
"""

import streamlit as st
from starlette.middleware import Middleware

from cnn_lab.app.hosting import Guard, UploadLimit, opening_browser

app = st.App(
    "app.py", middleware=[Middleware(Guard), Middleware(UploadLimit)], lifespan=opening_browser
)
