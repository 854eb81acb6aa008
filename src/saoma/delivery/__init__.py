"""Bringing food: from the pass to the table, and from the store to an address."""
