"""Messages that leave the house: webhooks to machines that asked for them.

Delivery is due work: repeated until accepted or given up, never in the request that caused it."""
