"""What diners, waiters, cashiers and owners of a restaurant look at. Only `saoma.app` imports screens."""
