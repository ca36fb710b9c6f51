"""A convolution in equations."""
