"""The toy wallet's own parts, and the browser in it."""
