"""What a process that serves pages arranges once, for all its readers."""

import gc
from functools import lru_cache

from threadpoolctl import threadpool_limits


@lru_cache(maxsize=1)
def settle() -> None:
    """Tell the garbage collector what is here to stay, and keep matrix products to one thread.

    A page's products are small: a second thread gains a millisecond when the machine is idle,
    and costs a hundred when a training run or another reader has the cores, because the
    library's threads then wait for each other in loops.
    """
    threadpool_limits(limits=1, user_api="blas")
    gc.collect()
    gc.freeze()
