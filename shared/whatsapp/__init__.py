"""What WhatsApp, EUM Social and Amazon Connect send us and what we send back, as typed models; pure, no I/O.

`envelope.parse` reads one queue message, `items.items` takes it apart, `identity` and `content` answer
questions about the parts, `outgoing` writes what the gateway sends.
"""
