"""The other side of the wire: a local Alipay with its own book, clock, wallet and misbehaviour.

It shares signing and message reading with the client and nothing else, so it can't repeat the product's mistakes."""
