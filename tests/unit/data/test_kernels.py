"""Named kernels in every size that they exist in."""

import numpy as np
import pytest

from cnn_lab.data.kernels import KERNELS


@pytest.mark.parametrize("name", list(KERNELS))
def test_every_kernel_keeps_its_sum_in_any_size_that_fits(name):
    kernel = KERNELS[name]
    expected = {"box": 1, "binomial": 1, "identity": 1, "sharpen": 1, "emboss": 1}.get(name, 0)
    for rows in range(1, 8):
        for columns in range(1, 8):
            if kernel.fits(rows, columns):
                values = kernel.values(rows, columns)
                assert values.shape == (rows, columns)
                total = rows * columns if name == "ones" else expected
                assert values.sum() == pytest.approx(total)
            else:
                with pytest.raises(ValueError, match="needs at least"):
                    kernel.values(rows, columns)


def test_sobel_is_the_product_of_its_formula():
    expected = np.outer([1, 2, 1], [-1, 0, 1])
    np.testing.assert_array_equal(KERNELS["sobel_columns"].values(), expected)
    np.testing.assert_array_equal(KERNELS["sobel_rows"].values(), expected.T)


@pytest.mark.parametrize("size", [(0, 3), (3, 8)])
def test_kernels_of_impossible_size_are_refused(size):
    with pytest.raises(ValueError, match="Received: "):
        KERNELS["box"].values(*size)
