"""Sweeps: many short runs with different settings, to find which settings work best.

`space` defines what may be varied, `records` holds sweeps as data, `search` proposes trials (the
only module that needs Optuna, imported late), and `runner` runs the sweeps of a server.
"""
