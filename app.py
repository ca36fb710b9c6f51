"""The lab. `streamlit run app.py` serves it, as does any ASGI server, such as `uvicorn app:app`.

Streamlit imports this file once, finds `app` and serves that. For each page that a browser asks
for, it runs the file as a script.
"""

from pathlib import Path

import streamlit as st

if __name__ == "__main__":
    from cnn_lab.app.frame import run_page

    run_page()
else:
    from cnn_lab.app.hosting import opening_browser
    from cnn_lab.app.server import prepare

    folder = Path(__file__).resolve().parent
    app = st.App(__file__, middleware=prepare(folder), lifespan=opening_browser)
