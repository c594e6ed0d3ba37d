"""What webhooks and notifications share: rows that are sent until they are taken, and the thread that sends them."""
