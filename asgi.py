"""The lab for hosts, and for `make run`: app.py with security headers and a page that keeps still.

`streamlit run asgi.py` serves it, as does any ASGI server, such as `uvicorn asgi:app`. If the
environment holds settings that make no sense, it names all of them and ends with status 2.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from cnn_lab.app.admission import Admission
from cnn_lab.app.first_paint import FirstPaint
from cnn_lab.app.hosting import (
    Guard,
    NoDelay,
    UploadLimit,
    keep_on_path,
    opening_browser,
)
from cnn_lab.app.page_files import PageFiles
from cnn_lab.app.run_order import RunOrder
from cnn_lab.app.watching import Figures
from cnn_lab.ops.environment import end_if_wrong
from cnn_lab.ops.memory import keep_little

end_if_wrong()
keep_on_path(Path(__file__).resolve().parent)
keep_little()
app = st.App(
    "app.py",
    middleware=[
        Middleware(NoDelay),
        Middleware(Guard),
        Middleware(Admission),
        Middleware(Figures),
        Middleware(UploadLimit),
        Middleware(RunOrder),
        Middleware(PageFiles),
        Middleware(FirstPaint),
    ],
    lifespan=opening_browser,
)
