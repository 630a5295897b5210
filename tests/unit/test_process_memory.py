"""A started process gives back what its start left free."""

import gc

from shared import memory


def test_what_stands_is_frozen_and_stays_usable() -> None:
    kept = {"a": [1, 2, 3]}
    gc.unfreeze()
    try:
        memory.give_back()
        assert gc.get_freeze_count() > 0
        assert kept == {"a": [1, 2, 3]}
    finally:
        gc.unfreeze()
