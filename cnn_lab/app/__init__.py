"""The pages in Streamlit: one folder a page, and the widgets that several pages share."""
