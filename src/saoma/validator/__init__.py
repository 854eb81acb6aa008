"""The validator: is an integration fit to go live? It stages each case at the local Alipay, or watches, and judges.

What an integration did is read off the sandbox's call log and, where an adapter is there, off its own answers. The
judging is pure; only `driving`, `watching` and the small clients talk to anybody."""
