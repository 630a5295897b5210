"""Routes messages to destinations (deliverer) and sends to WhatsApp (gateway)."""
