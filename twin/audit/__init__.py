"""The second opinion: compares what the outside world saw with what the product kept."""
