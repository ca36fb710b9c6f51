"""What the menu of downloads keeps."""

from cnn_lab.app.widgets.exports import KeptFiles, Order


def order(n: int) -> Order:
    return Order(kind="png", digest="", title="", step=n, traces=())


def test_files_are_kept_up_to_a_number_of_bytes() -> None:
    """R13: the latest files for all visitors, and never more memory than that."""
    kept = KeptFiles(100)
    for n in range(5):
        kept.put(order(n), bytes(30))
    assert [kept.get(order(n)) is not None for n in range(5)] == [False, False, True, True, True]
    kept.put(order(9), bytes(101))
    assert all(kept.get(order(n)) is None for n in range(10))
