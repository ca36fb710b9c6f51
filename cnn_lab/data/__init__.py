"""Labelled images, their augmentation, named kernels, teaching images and uploads."""

from cnn_lab.data.mnist import Mnist, Split, load_mnist

__all__ = ["Mnist", "Split", "load_mnist"]
