"""What a process does about its memory: hand back what loading took, and look for garbage seldom.

Loading makes far more objects than it keeps.
"""

import ctypes
import gc


def collect_seldom() -> None:
    """Look for garbage less often: requests and records make many small objects and no cycles.

    With Python's own thresholds a third of the time of a lane of viewers went into looking.
    """
    gc.set_threshold(50_000, 20, 50)


def settle() -> None:
    """Return freed memory to the system, and leave what is held now out of later collections.

    The catalogue is there to stay: looking through it again and again for garbage would stop all
    requests for longer than they take.
    """
    gc.collect()
    gc.freeze()
    # glibc keeps freed memory for itself unless it is told; other C libraries have no such call
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
