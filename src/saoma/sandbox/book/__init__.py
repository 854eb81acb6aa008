"""What this Alipay knows: people, partners, trades and what they owe, and where it is kept."""
