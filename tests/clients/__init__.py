"""Clients that nobody here wrote, driven against the local Alipay as their users would drive them."""
