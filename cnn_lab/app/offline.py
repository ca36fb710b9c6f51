"""Pages that work without the server, for visitors who do not get in."""

from functools import cache

from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import stroke_image
from cnn_lab.stage.export import export_html
from cnn_lab.trace import Trace, convolution_trace, input_gradient_trace, max_pool_trace

OFFLINE = {
    "convolution": "A convolution, step by step",
    "pooling": "Max pooling, step by step",
    "backpropagation": "The gradient of a convolution, step by step",
}
"""Their names and titles."""


@cache
def offline_page(name: str) -> str:
    """Return one of them as HTML, some 90 KB that need nothing else."""
    return export_html(_trace(name), title=OFFLINE[name])


def _trace(name: str) -> Trace:
    image, kernel = stroke_image(6, 6), KERNELS["sobel_columns"].values(3, 3)
    if name == "convolution":
        return convolution_trace(image, kernel[:, :, None, None])
    if name == "pooling":
        return max_pool_trace(image[..., 0], pool_size=2)
    return input_gradient_trace(image[..., 0], kernel, image[:4, :4, 0])
