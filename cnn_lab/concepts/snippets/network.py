"""A whole network in Keras: its layers, and how it is trained."""

from typing import Any

from cnn_lab.concepts.snippets.literals import arguments, script, short
from cnn_lab.network.spec import Layer, NetworkSpec, TrainingSpec
from cnn_lab.training.schedules import LOWEST, WARM_UP


def keras_network_code(network: NetworkSpec, training: TrainingSpec | None = None) -> str:
    """Return code that builds a network with Keras, and optionally trains it.

    Settings that are Keras's own defaults are left out.

    Parameters
    ----------
    network : NetworkSpec
    training : TrainingSpec, optional
        Adds the data, `compile` and `fit`. Keras draws different initial weights and a different
        order of the images, so the curves are similar but not identical.

    Examples
    --------
    >>> from cnn_lab.network.spec import Dense, Flatten, Softmax
    >>> layers = (Flatten(name="flatten"), Dense(name="dense1", units=10), Softmax(name="softmax"))
    >>> print(keras_network_code(NetworkSpec(name="small", layers=layers)))
    import keras
    from keras import layers
    <BLANKLINE>
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="dense1"),
            layers.Softmax(name="softmax"),
        ],
        name="small",
    )
    model.summary()
    <BLANKLINE>
    """
    model = [
        "model = keras.Sequential(",
        "    [",
        f"        keras.Input({network.input_shape}),",
        *(f"        {_layer(layer)}," for layer in network.layers),
        "    ],",
        f'    name="{network.name}",',
        ")",
        "model.summary()",
    ]
    imports = ["import keras", "from keras import layers"]
    if training is None:
        return script(imports, model)
    if training.schedule != "constant":
        imports.insert(0, "import math\n")
    return script(
        imports,
        model,
        _data(network, training),
        _compile(network, training),
        _fit(training),
    )


def _layer(layer: Layer) -> str:
    """Return a layer as a call."""
    settings = layer.keras_arguments()
    unusual = layer.keras_arguments(defaults=False).keys() - {"name", *layer.by_position}
    values = [_literal(settings[field]) for field in layer.by_position]
    named = {field: _literal(value) for field, value in settings.items() if field in unusual}
    return f"layers.{layer.keras_class}({arguments(*values, **named, name=_literal(layer.name))})"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return short(value) if isinstance(value, tuple) else repr(value)


def _data(network: NetworkSpec, training: TrainingSpec) -> list[str]:
    lines = [
        f"(x_train, y_train), (x_test, y_test) = keras.datasets.{training.data_set}.load_data()",
        f'x_train = x_train.reshape(-1, {_sizes(network)}).astype("float32") / 255',
        f'x_test = x_test.reshape(-1, {_sizes(network)}).astype("float32") / 255',
        "validation = (x_train[-len(x_train) // 10 :], y_train[-len(y_train) // 10 :])",
        "x_train, y_train = x_train[: -len(x_train) // 10], y_train[: -len(y_train) // 10]",
    ]
    if training.data_fraction < 1:
        lines += [
            f"n_images = round({training.data_fraction!r} * len(x_train))  # random in the lab",
            "x_train, y_train = x_train[:n_images], y_train[:n_images]",
        ]
    if training.pens or training.non_digits:
        lines.append("# The lab also trains on images drawn by a program; this does not.")
    if training.augmentation.active:
        settings = training.augmentation.model_dump(exclude_defaults=True)
        lines.append(
            f"# The lab also augments each training image ({arguments(**settings)}); this does not."
        )
    return lines


def _sizes(network: NetworkSpec) -> str:
    return ", ".join(map(str, network.input_shape))


def _compile(network: NetworkSpec, training: TrainingSpec) -> list[str]:
    lines = []
    rate = repr(training.learning_rate)
    if training.schedule != "constant":
        steps = f"math.ceil(len(x_train) / {training.batch_size})"
        lines += [f"n_steps = {training.epochs} * {steps}", *_schedule(training)]
        rate = "rate"
    loss, n = '"sparse_categorical_crossentropy"', network.n_outputs
    if smoothing := training.label_smoothing:
        loss = f"keras.losses.CategoricalCrossentropy(label_smoothing={smoothing!r})"
        lines += [
            f"y_train, y_test = (keras.utils.to_categorical(y, {n}) for y in (y_train, y_test))",
            f"validation = (validation[0], keras.utils.to_categorical(validation[1], {n}))",
        ]
    return [
        *lines,
        "model.compile(",
        f"    optimizer={_optimizer(training, rate)},",
        f"    loss={loss},",
        '    metrics=["accuracy"],',
        ")",
    ]


def _schedule(training: TrainingSpec) -> list[str]:
    top = repr(training.learning_rate)
    schedules = "keras.optimizers.schedules"
    match training.schedule:
        case "step":
            rates = f"[{top}, {training.learning_rate / 10:g}, {training.learning_rate / 100:g}]"
            # Keras changes the rate after the boundary, the lab at the boundary.
            return [
                f"rate = {schedules}.PiecewiseConstantDecay(",
                "    [math.ceil(n_steps / 2) - 1, math.ceil(3 * n_steps / 4) - 1],",
                f"    {rates},",
                ")",
            ]
        case "exponential":
            return [f"rate = {schedules}.ExponentialDecay({top}, n_steps, {LOWEST})"]
        case "cosine":
            return [f"rate = {schedules}.CosineDecay({top}, n_steps, alpha={LOWEST})"]
        case "one_cycle":
            first = f"{training.learning_rate / 10:g}"
            return [
                f"rate = {schedules}.CosineDecay(",
                f"    {first},",
                f"    n_steps - round({WARM_UP} * n_steps),",
                f"    alpha={LOWEST},",
                f"    warmup_target={top},",
                f"    warmup_steps=round({WARM_UP} * n_steps),",
                ")",
            ]
    return []


def _optimizer(training: TrainingSpec, rate: str) -> str:
    decay = repr(training.weight_decay)
    averaging: dict[str, Any] = {}
    if training.weight_averaging:
        averaging = {"use_ema": True, "ema_momentum": training.weight_averaging}
    match training.optimizer:
        case "sgd":
            call, named = "SGD", {"momentum": repr(training.momentum)}
        case "adam":
            call, named = "Adam", {}
        case "adamw":
            call, named = "AdamW", {"weight_decay": decay}
        case "rmsprop":
            call, named = "RMSprop", {}
        case "muon":
            call, named = "Muon", {"weight_decay": decay, "adam_weight_decay": decay}
    return f"keras.optimizers.{call}({arguments(rate, **named, **averaging)})"


def _fit(training: TrainingSpec) -> list[str]:
    callbacks = []
    if training.weight_averaging:
        callbacks = ["    callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],"]
    return [
        "model.fit(",
        "    x_train,",
        "    y_train,",
        f"    batch_size={training.batch_size},",
        f"    epochs={training.epochs},",
        "    validation_data=validation,",
        *callbacks,
        ")",
        "model.evaluate(x_test, y_test)",
    ]
