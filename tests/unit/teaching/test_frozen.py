"""The numbers of a seed, which never change: a sheet that is printed again is the same sheet.

Whoever changes how a question draws its numbers makes every sheet and every link that is out there
ask something else; a new way to draw is a new question.
"""

import hashlib
import json

import pytest

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS
from cnn_lab.teaching.worksheet import worksheet_html

# SHA-256 of the settings of the first seeds, all levels, to eight digits.
DRAWN = {
    "conv-output-size": "acfcc9c0",
    "pool-output-size": "cc58566e",
    "same-padding": "e5de63ce",
    "unread-pixels": "379771f2",
    "read-count": "7640ea1a",
    "transposed-output-size": "05c6900b",
    "conv-cell": "c0db6d2b",
    "true-convolution-cell": "e313fbec",
    "conv-output": "22d6261a",
    "window-cells": "46ea8dee",
    "bias-and-relu": "104e0398",
    "max-pool-cell": "1af41544",
    "average-pool-cell": "3a9358cb",
    "average-pool-whole-window": "78fd9f8b",
    "max-pool-winner": "b618bbfc",
    "conv-parameters": "9577769f",
    "conv-multiply-adds": "3f390ca7",
    "conv-pool-parameters": "b208254a",
    "separable-parameters": "5e93cfbf",
    "dense-parameters": "da88d748",
    "kernel-gradient-cell": "4eb82b78",
    "input-gradient-cell": "96e7d4f2",
    "bias-gradient": "20c89de6",
    "max-pool-gradient": "51ae604e",
    "average-pool-gradient": "d8a4dd3f",
    "relu-gradient": "92347c11",
    "weight-step": "cfe45672",
    "relu-cells": "7971a4a5",
    "softmax-probability": "eee6b908",
    "softmax-shift": "099ff6b5",
    "softmax-temperature": "29b9fcfd",
    "cross-entropy": "4ac8d13d",
    "softmax-gradient": "393bf1b6",
    "receptive-field": "e04f0c20",
    "channel-sum": "7195ae49",
    "best-epoch": "e9f36fde",
    "overfitting": "15b0879a",
    "dropout-output": "907979b5",
    "training-steps": "30852d51",
    "rate-too-high": "e0652da3",
    "training-order": "826d331a",
    "which-kernel": "ea1cbce2",
    "response-order": "13f41c28",
    "shifted-map": "1119f242",
    "pooled-shift": "30d3c3f1",
}
SHEET = "f0216424979a60170f82c2eb2aedfd6790c037f2ca4421d3abdaa5883617131a"


def drawn(name):
    cases = [QUESTIONS[name].make(seed=seed, level=level) for level in LEVELS for seed in range(8)]
    text = json.dumps([case.settings for case in cases], default=lambda each: each.tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_a_seed_draws_the_numbers_that_it_always_drew(name):
    assert drawn(name) == DRAWN[name]


def test_a_sheet_has_the_bytes_that_it_always_had():
    page = worksheet_html(
        ["conv-output-size", "conv-cell", "max-pool-gradient", "which-kernel", "training-order"],
        seed=7,
        variants=2,
        level="one gap",
        title="Checksum",
    )
    assert hashlib.sha256(page.encode()).hexdigest() == SHEET
