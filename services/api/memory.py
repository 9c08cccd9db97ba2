"""What a process does once it has loaded what stays: hand back what loading took, and stop looking.

Loading makes far more objects than it keeps.
"""

import ctypes
import gc


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
