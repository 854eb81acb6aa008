"""Misbehaviour: what goes wrong with a call, and when."""
