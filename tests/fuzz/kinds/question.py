"""Random answers to random questions, and worksheets of random settings."""

from typing import cast

import numpy as np

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS, MAX_SEED, Answer, answer_text
from cnn_lab.teaching.worksheet import MAX_VARIANTS, worksheet_html

IN_TESTS = 60
LETTERS = "0123456789.,;:-+−–×xX*/()[] eE\n\t\x00abcABC½²eßéß数😀<&"


def kind(random: np.random.Generator) -> None:
    """Check an answer, which must never fail; make a sheet, or be told why not."""
    name = str(random.choice(list(QUESTIONS)))
    level = LEVELS[random.integers(len(LEVELS))]
    case = QUESTIONS[name].make(seed=int(random.integers(MAX_SEED)), level=level)
    verdict = case.check(_answer(random, answer_text(case.key, case.form)))
    assert verdict.right or verdict.explanation
    assert not (verdict.right and verdict.misconception)
    variants, seed = int(random.integers(-1, 3)), int(random.integers(-2, 100))
    names = [name] * int(random.integers(0, 3))
    try:
        page = worksheet_html(names, seed=seed, variants=variants, level=level, title=_text(random))
    except ValueError as error:
        page, message = "", str(error)
    if names and seed >= 0 and 1 <= variants <= MAX_VARIANTS:
        assert page.count('<table class="sheet">') == variants + 1
    else:
        assert "Received: " in message


def _answer(random: np.random.Generator, right: str) -> object:
    """Return any text, the right one with a part cut off or changed, or numbers."""
    way = random.integers(4)
    if way == 0:
        return _text(random)
    if way == 1:
        return right[: random.integers(len(right) + 1)]
    if way == 2:
        at = random.integers(len(right) + 1)
        return right[:at] + _text(random)[:3] + right[at:]
    shape = random.integers(0, 4, size=random.integers(0, 4))
    return cast(Answer, random.normal(size=shape) * 10.0 ** random.integers(-9, 300))


def _text(random: np.random.Generator) -> str:
    return "".join(LETTERS[i] for i in random.integers(len(LETTERS), size=random.integers(60)))
