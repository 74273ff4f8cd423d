"""Notifications: subscriptions, the messages they make, and the targets these are sent to."""
