"""Offers, coupons, points: what makes a bill lower, decided by rules and explained on the bill.

Rooms that sell call `applying.apply` whenever a tab changed; nothing here ever changes a line that money holds."""
