"""The Fool it page."""
