"""The Padding and strides page."""
