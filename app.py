"""The router: `streamlit run app.py`. Every page is listed in `cnn_lab.ui.frame`."""

from cnn_lab.ui import frame

frame.navigation().run()
