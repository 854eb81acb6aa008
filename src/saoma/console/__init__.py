"""The operator: payments, refunds, cases, alarms, reconciliation, accounts, staff and health.

It decides nothing by itself: every button is one of the moves the payment core allows."""
