"""The The paper page."""
