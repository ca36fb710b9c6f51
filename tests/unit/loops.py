"""The formulas written out as plain loops: slow, and easy to believe."""

import numpy as np


def pad(image, borders, fill=0.0):
    (top, bottom), (left, right) = borders
    height, width = image.shape
    padded = np.full((top + height + bottom, left + width + right), fill)
    for row in range(height):
        for column in range(width):
            padded[top + row, left + column] = image[row, column]
    return padded


def correlate(image, kernel, strides, dilation):
    """One channel, one filter, the padding already there."""
    span = [d * (k - 1) + 1 for k, d in zip(kernel.shape, dilation, strict=True)]
    rows = (image.shape[0] - span[0]) // strides[0] + 1
    columns = (image.shape[1] - span[1]) // strides[1] + 1
    result = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(kernel.shape[0]):
                for n in range(kernel.shape[1]):
                    row = i * strides[0] + m * dilation[0]
                    column = j * strides[1] + n * dilation[1]
                    result[i, j] += image[row, column] * kernel[m, n]
    return result


def conv2d(images, kernel, bias, borders, strides=(1, 1), dilation=(1, 1), groups=1):
    depth, filters = kernel.shape[2:]
    per_group = filters // groups
    return np.stack(
        [
            np.stack(
                [
                    bias[f]
                    + sum(
                        correlate(
                            pad(image[..., f // per_group * depth + c], borders),
                            kernel[..., c, f],
                            strides,
                            dilation,
                        )
                        for c in range(depth)
                    )
                    for f in range(filters)
                ],
                axis=-1,
            )
            for image in images
        ]
    )


def pool2d(image, pool_size, strides, borders, *, kind, include_pad=False):
    """One channel; windows are cut to the image, so padding needs no value at all."""
    rows = (image.shape[0] + sum(borders[0]) - pool_size[0]) // strides[0] + 1
    columns = (image.shape[1] + sum(borders[1]) - pool_size[1]) // strides[1] + 1
    result = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            cells = [
                image[row, column]
                for row in range(
                    i * strides[0] - borders[0][0], i * strides[0] - borders[0][0] + pool_size[0]
                )
                for column in range(
                    j * strides[1] - borders[1][0], j * strides[1] - borders[1][0] + pool_size[1]
                )
                if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
            ]
            whole = pool_size[0] * pool_size[1]
            result[i, j] = (
                max(cells) if kind == "max" else sum(cells) / (whole if include_pad else len(cells))
            )
    return result
