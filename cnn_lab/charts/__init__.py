"""Arrays become pictures and charts; nothing here knows Streamlit."""
