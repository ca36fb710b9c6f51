"""PyTorch's side of the benchmarks of speed, in a process of its own: `Rival` asks it.

PyTorch is no requirement of the lab; the extra `peers` has it. Arrays are channels last, as it
prefers them on processors.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.turns import answer, timed
from cnn_lab.data.mnist import as_images, load_mnist
from cnn_lab.network import zoo

N_BATCHES = 64  # different ones to train on


def has_pytorch() -> bool:
    """Return whether PyTorch can be imported, without importing it."""
    return importlib.util.find_spec("torch") is not None


def operator(backwards: bool, images: Any, kernel: Any, delta: Any) -> Callable[[], list[Any]]:
    """Return the convolution, or its gradients, of arrays laid out as in Keras; padding "same"."""
    import torch

    def first(array: Any) -> Any:
        return torch.from_numpy(array).permute(0, 3, 1, 2)

    weights = (
        torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    )
    pixels, felt, bias = first(images), first(delta), torch.zeros(kernel.shape[3])
    border = (kernel.shape[0] // 2, kernel.shape[1] // 2)

    def forward() -> list[Any]:
        with torch.inference_mode():
            return [torch.nn.functional.conv2d(pixels, weights, bias, padding=border)]

    def backward() -> list[Any]:
        return list(
            torch.ops.aten.convolution_backward(
                felt, pixels, weights, [len(bias)], (1, 1), border, (1, 1), False, (0, 0), 1,
                [True, True, True],
            )
        )  # fmt: skip

    return backward if backwards else forward


def trainer(preset: zoo.Preset) -> Callable[[int], float]:
    """Return a function that trains on a batch, by number, and returns its loss.

    Layers, batches, optimizer and learning rate are the preset's; the initial weights are
    PyTorch's own.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[Any] = []
    of_spec: Sequence[Any] = preset.network.scoring_layers
    for layer in of_spec:
        match layer.type:
            case "Conv2D":
                padding = "same" if layer.padding == "same" else 0
                layers.append(nn.LazyConv2d(layer.filters, layer.kernel_size, padding=padding))
            case "MaxPooling2D":
                layers.append(nn.MaxPool2d(layer.pool_size))
            case "Dropout":
                layers.append(nn.Dropout(layer.rate))
            case "Flatten":
                layers.append(nn.Flatten())
            case "Dense":
                layers.append(nn.LazyLinear(layer.units))
            case other:
                raise ValueError(f"PyTorch has no {other} here.")
        if getattr(layer, "activation", "linear") == "relu":
            layers.append(nn.ReLU())
    model = nn.Sequential(*layers)
    size, split = preset.training.batch_size, load_mnist().train
    images = torch.from_numpy(as_images(split.pixels[: N_BATCHES * size])).permute(0, 3, 1, 2)
    labels = torch.from_numpy(split.labels[: N_BATCHES * size].astype(np.int64))
    model(images[:1])  # the lazy layers learn their shapes
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=preset.training.learning_rate, eps=1e-7)

    def train(number: int) -> float:
        here = slice(size * (number % N_BATCHES), size * (number % N_BATCHES + 1))
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[here]), labels[here])
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return train


def main() -> None:
    import torch

    torch.set_num_threads(1)
    works: dict[str, Callable[[], list[Any]]] = {}

    def prepare(arrays: str, result: str, backwards: bool) -> None:
        """Read the arrays of an operator from one file and write what it returns to another."""
        with np.load(arrays) as stored:
            works["operator"] = operator(backwards, **stored)
        axes = ((0, 2, 3, 1), (2, 3, 1, 0), (0,))  # of images, kernel and bias, as in Keras
        found = zip(works["operator"](), axes, strict=False)
        np.savez(result, *(values.permute(order).numpy() for values, order in found))

    answer(
        lambda n_calls=0, **files: (
            timed(works["operator"], n_calls) if n_calls else prepare(**files)
        )
    )


if __name__ == "__main__":
    main()
