import threading

from cnn_lab.runs.outbox import MAX_WAITING, Outbox


def test_a_parcel_stays_until_it_has_arrived() -> None:
    box = Outbox()
    assert [box.put(b"a"), box.put(b"b")] == [1, 2]
    assert box.after(0) == (0, [b"a", b"b"])
    assert box.after(0) == (0, [b"a", b"b"])  # the answer was lost on its way
    assert not box.wait_for(1, 0)
    assert box.after(1) == (1, [b"b"])
    assert box.wait_for(1, 0)
    assert not box.wait_for(2, 0)
    assert box.after(2) == (2, [])
    assert box.put(b"c") == 3
    assert box.after(2) == (2, [b"c"])


def test_whoever_waits_is_told() -> None:
    box = Outbox()
    number = box.put(b"a")
    taker = threading.Thread(target=box.after, args=(number,))
    taker.start()
    assert box.wait_for(number, 60)
    taker.join()


def test_what_nobody_takes_does_not_grow() -> None:
    box = Outbox()
    for number in range(MAX_WAITING + 3):
        assert box.put(b"%d" % number) == number + 1
    n_before, parcels = box.after(0)
    assert n_before == 3
    assert parcels[0] == b"3"
    assert len(parcels) == MAX_WAITING
