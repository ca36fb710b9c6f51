"""The mathematics of the Backpropagation page."""
