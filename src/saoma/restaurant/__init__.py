"""Restaurants: tables, sittings shared by several phones, the bill, the till.

A table has one open sitting at a time; everyone who scans joins it."""
