"""The Loss surface page: the loss over two weights, and the path of gradient descent."""
