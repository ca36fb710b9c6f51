"""The Draw a digit page."""
