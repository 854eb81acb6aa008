"""What operators and managers look at. Only `saoma.app` imports screens."""
