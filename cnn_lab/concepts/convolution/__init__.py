"""Equations of convolution."""
