"""Models of Meta's and EUM Social's payloads, both ways."""
