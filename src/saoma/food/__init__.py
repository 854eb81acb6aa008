"""What restaurants and fast food share: menu, pricing, ordering, kitchen.

Prices are frozen when a dish is sent to the kitchen, never before."""
