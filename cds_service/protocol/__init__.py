"""CDS Hooks messages: what a client may send, checked and named."""
