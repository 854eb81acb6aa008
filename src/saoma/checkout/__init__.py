"""The ways to pay, whatever is bought: in the wallet page, by barcode, and the receipt after either.

It takes payables by name and knows no solution."""
