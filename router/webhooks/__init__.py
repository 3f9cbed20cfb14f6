"""Webhooks: where events of jobs may be sent, how they are written and signed, and who sends them until they arrive."""
