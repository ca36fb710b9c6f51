"""Explanations of a network's answer: units, attribution, surgery, near misses."""
