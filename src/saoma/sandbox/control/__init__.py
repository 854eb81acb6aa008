"""The control API: what tests and people by hand do to this Alipay."""
