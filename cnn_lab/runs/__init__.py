"""Training runs: what is asked for, what happens, where it is kept, and the worker that does it."""
