"""What an Update leaves of an item: for the fake, and for whoever wrote it under a condition on all it read."""

from shared.store.checks import copied
from shared.store.conditions import kind
from shared.store.port import Item, Update


def updated(op: Update, item: Item) -> Item:
    """The item after the op. Raises ValueError where something is added to what is no number.

    Source: DynamoDB API reference, UpdateItem (SET, ADD, REMOVE, if_not_exists).
    """
    for name, amount in op.add.items():
        if kind(amount) != "N" or kind(item.get(name, 0)) != "N":
            raise ValueError(f"update {name}: only a number can be added to, and only a number")
    kept = {name: value for name, value in item.items() if name not in op.remove}
    sums = {name: item.get(name, 0) + amount for name, amount in op.add.items()}
    once = {name: value for name, value in op.set_once.items() if name not in item}
    return {**kept, **copied({**op.set, **sums, **once})}
