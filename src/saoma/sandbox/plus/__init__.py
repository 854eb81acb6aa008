"""Alipay+: JSON signed in headers."""
