"""Damaged files of networks: refused with a message, or a network whose numbers are finite."""

import json
from functools import cache

import numpy as np

from cnn_lab.network import MODELS, ModelFileError, network_from_visitor
from tests.fuzz.damage import damaged, must_be_a_message, with_odd_values

IN_TESTS = 60


def kind(random: np.random.Generator) -> None:
    """Read a damaged file as an upload."""
    content = _shipped("fast")
    length = int.from_bytes(content[:8], "little")
    header, numbers = content[8 : 8 + length], content[8 + length :]
    match random.integers(4):
        case 0:
            content = damaged(random, content)
        case 1:
            content = content[:8] + damaged(random, header) + numbers
        case 2:
            odd = json.dumps(with_odd_values(random, json.loads(header))).encode()
            content = len(odd).to_bytes(8, "little") + odd + numbers
        case _:
            members = json.loads(header)
            facts = members["__metadata__"]
            facts["spec"] = json.dumps(with_odd_values(random, json.loads(facts["spec"])))
            odd = json.dumps(members).encode()
            content = len(odd).to_bytes(8, "little") + odd + numbers
    try:
        network = network_from_visitor(content)
    except ModelFileError as error:
        must_be_a_message(str(error))
        return
    with np.errstate(all="ignore"):
        answers = network.predict(random.random((1, *network.spec.input_shape)))
    assert answers.shape == (1, network.spec.n_classes)


@cache
def _shipped(name: str) -> bytes:
    return (MODELS / f"{name}.safetensors").read_bytes()
