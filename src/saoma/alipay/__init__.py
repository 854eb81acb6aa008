"""Alipay's wire: signing, messages, codes, the one client socket, and the gateway made of them.

Alipay's own words stay inside this room; what leaves it are reports of `saoma.gateway`."""
