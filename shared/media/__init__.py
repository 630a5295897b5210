"""What every part may know of media: how they end, in words, and what is told about them beside a message."""
