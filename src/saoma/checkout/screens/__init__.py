"""The screens of checkout: paying in the wallet, the panel a till shows, receipts, and Alipay's notifications.

Only `saoma.app` imports screens."""
