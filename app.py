"""The router: `streamlit run app.py`. Every page is listed in `cnn_lab.app.frame`."""

from cnn_lab.app import frame

frame.run_page()
