"""The longer commands of ``python -m cnn_lab``, a file each, and what they have in common."""
