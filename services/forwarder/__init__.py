"""The forwarder: routes what comes in to its destinations, and, as a process of its own, sends to WhatsApp."""
