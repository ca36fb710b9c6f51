import pytest

from cnn_lab.charts.pooling import shift_spec, shift_table
from cnn_lab.concepts.pooling import shift_response
from cnn_lab.data.mnist import load_mnist
from cnn_lab.ops.settings import PoolingSettings


def test_the_curves_hold_the_numbers():
    response = shift_response(load_mnist().test.image(0)[..., 0], PoolingSettings(), most=3)
    table = shift_table(response)
    pooled = table[table["what"] == "max pooled"]["change"].tolist()
    assert pooled == pytest.approx(response.max_pooled.tolist())
    drawn = shift_spec()["encoding"]
    assert {drawn[axis]["field"] for axis in ("x", "y", "color")} == set(table.columns)
