"""The gateway: the only one that sends to WhatsApp, behind one guard, one ledger, one rate limiter."""
