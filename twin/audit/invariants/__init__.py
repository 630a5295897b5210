"""What must hold: one file an invariant, each a pure function of what happened and what was seen."""
