"""Padding conventions, read counts, strides and transposed convolution."""
