"""The lab for hosts, and for `make run`: app.py with security headers and a page that keeps still.

`streamlit run asgi.py` serves it, as does any ASGI server, such as `uvicorn asgi:app`. If the
environment holds settings that make no sense, it names all of them and ends with status 2.
"""

import streamlit as st
from starlette.middleware import Middleware

from cnn_lab.app.admission import Admission
from cnn_lab.app.first_paint import FirstPaint
from cnn_lab.app.hosting import (
    Guard,
    NoDelay,
    UploadLimit,
    WholePageFirst,
    opening_browser,
    share_heaps,
)
from cnn_lab.app.page_files import PageFiles
from cnn_lab.app.watching import Figures
from cnn_lab.ops.environment import end_if_wrong

end_if_wrong()
share_heaps()
app = st.App(
    "app.py",
    middleware=[
        Middleware(NoDelay),
        Middleware(Guard),
        Middleware(Admission),
        Middleware(Figures),
        Middleware(UploadLimit),
        Middleware(WholePageFirst),
        Middleware(PageFiles),
        Middleware(FirstPaint),
    ],
    lifespan=opening_browser,
)
