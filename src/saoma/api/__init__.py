"""What machines may ask: the partner API for tills, apps and acquirers of others.

Its answers are a contract: names never change, new ones are only added."""
