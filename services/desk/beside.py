"""What of a thread and of the desk's policy decides who sees how much of a message; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.http.principal import CLEARED, Principal
from shared.record.changes import Policy
from shared.record.reader import View
from shared.store.port import Item


@dataclass(frozen=True, slots=True)
class Beside:
    """What of a thread and of the desk decides how its messages are shown."""

    protected: bool
    changes: Policy = field(default_factory=Policy)

    def hidden_from(self, caller: Principal) -> bool:
        """Whether the caller must not see content."""
        return self.protected and not caller.has(CLEARED)

    def takes_back(self, view: View, caller: Principal) -> bool:
        """Whether what the message said first is not for the caller: its author changed or deleted it."""
        cleared = caller.has(CLEARED)
        if "withdrawn" in view.item or (view.revokes and self.changes.hides_revoked(cleared=cleared)):
            return True
        return bool(view.edits) and self.changes.hides_edited(cleared=cleared)

    def edits(self, view: View, caller: Principal) -> Sequence[Item]:
        """The later wordings the caller may see."""
        cleared = caller.has(CLEARED)
        if view.revokes and self.changes.hides_revoked(cleared=cleared):
            return ()
        return view.edits[-1:] if self.changes.hides_edited(cleared=cleared) else view.edits
