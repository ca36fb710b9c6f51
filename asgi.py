"""The lab as app.py serves it, under a name for hosts: `uvicorn asgi:app`."""

from pathlib import Path

import streamlit as st

from cnn_lab.app.hosting import opening_browser
from cnn_lab.app.server import MIDDLEWARE, prepare

FOLDER = Path(__file__).resolve().parent
prepare(FOLDER)
app = st.App(FOLDER / "app.py", middleware=MIDDLEWARE, lifespan=opening_browser)
