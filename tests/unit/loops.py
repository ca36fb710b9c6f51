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


def kernel_gradient(padded, delta, kernel_size, strides, dilation):
    """dW(m, n) = sum over i, j of delta(i, j) * X(i * stride + m * rate, j * stride + n * rate)."""
    result = np.zeros(kernel_size)
    for m in range(kernel_size[0]):
        for n in range(kernel_size[1]):
            for i in range(delta.shape[0]):
                for j in range(delta.shape[1]):
                    row = i * strides[0] + m * dilation[0]
                    column = j * strides[1] + n * dilation[1]
                    result[m, n] += delta[i, j] * padded[row, column]
    return result


def input_gradient(delta, kernel, padded_size, strides, dilation):
    """Each result hands its delta, times the weight, to every pixel that it read."""
    result = np.zeros(padded_size)
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            for m in range(kernel.shape[0]):
                for n in range(kernel.shape[1]):
                    row = i * strides[0] + m * dilation[0]
                    column = j * strides[1] + n * dilation[1]
                    result[row, column] += delta[i, j] * kernel[m, n]
    return result


def crop(padded, borders):
    (top, bottom), (left, right) = borders
    return padded[top : padded.shape[0] - bottom, left : padded.shape[1] - right]


def conv2d_gradients(images, kernel, delta, borders, strides, dilation, groups):
    """All channels and filters; the border holds zeros."""
    depth, filters = kernel.shape[2:]
    per_group = filters // groups
    grad_images, grad_kernel = np.zeros(images.shape), np.zeros(kernel.shape)
    for image, grad_image, maps in zip(images, grad_images, delta, strict=True):
        for f in range(filters):
            for c in range(depth):
                channel = f // per_group * depth + c
                padded = pad(image[..., channel], borders)
                grad_kernel[..., c, f] += kernel_gradient(
                    padded, maps[..., f], kernel.shape[:2], strides, dilation
                )
                grad_padded = input_gradient(
                    maps[..., f], kernel[..., c, f], padded.shape, strides, dilation
                )
                grad_image[..., channel] += crop(grad_padded, borders)
    return grad_images, grad_kernel


def pool2d_gradient(image, delta, pool_size, strides, borders, *, kind, include_pad=False):
    """One channel; the first largest pixel of a window takes all, or all take alike."""
    result = np.zeros(image.shape)
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            top, left = i * strides[0] - borders[0][0], j * strides[1] - borders[1][0]
            cells = [
                (row, column)
                for row in range(top, top + pool_size[0])
                for column in range(left, left + pool_size[1])
                if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
            ]
            if kind == "max":
                winner = cells[0]
                for cell in cells:
                    if image[cell] > image[winner]:
                        winner = cell
                result[winner] += delta[i, j]
            else:
                whole = pool_size[0] * pool_size[1]
                for cell in cells:
                    result[cell] += delta[i, j] / (whole if include_pad else len(cells))
    return result


def slopes(loss, values, step=1e-6):
    """Central differences: how much `loss()` changes with each number in `values`."""
    result = np.zeros(values.shape)
    for index in np.ndindex(values.shape):
        kept = values[index]
        values[index] = kept + step
        above = loss()
        values[index] = kept - step
        below = loss()
        values[index] = kept
        result[index] = (above - below) / (2 * step)
    return result
