"""The payment core: how money is taken, followed, given back and accounted for.

It knows no provider: gateways are handed to it by `saoma.app` and speak `saoma.gateway`."""
