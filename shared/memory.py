"""What a process does about its memory once it has started."""

import ctypes
import gc


def give_back() -> None:
    """Hand what the start left free to the system, and let the collector look no more at what stays for good.

    Modules, models and clients live as long as the process: frozen, no full collection walks them again
    (Python's `gc.freeze`). `malloc_trim` is glibc's (man malloc_trim); other C libraries have none.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
