"""The Morph page."""
