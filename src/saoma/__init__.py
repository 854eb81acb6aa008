"""Saoma (扫码): scan, order, pay. Rooms are business nouns; see ARCHITECTURE.md for floors and flow."""
