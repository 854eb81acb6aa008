"""The Open API of the local Alipay, and the clients of others that speak it."""
