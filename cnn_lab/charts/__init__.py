"""Pictures and charts from arrays, without Streamlit."""
