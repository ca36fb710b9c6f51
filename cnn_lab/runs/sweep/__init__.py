"""Sweeps: many short runs with different settings, to find which settings work best.

What may be varied (`space`), a sweep as data (`records`), the search (`search`, the only module
here that needs Optuna, so that it is imported late), and the thread that has the trials trained,
with all sweeps of a server (`runner`).
"""
