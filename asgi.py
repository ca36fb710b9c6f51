"""The lab as app.py serves it, under a name for hosts: `uvicorn asgi:app`."""

from pathlib import Path

import streamlit as st

from cnn_lab.app.hosting import opening_browser
from cnn_lab.app.server import prepare

folder = Path(__file__).resolve().parent
app = st.App(folder / "app.py", middleware=prepare(folder), lifespan=opening_browser)
