"""What must hold between payments and counter orders: questions for the audit, each finding the rows that break one.

Surplus is allowed (late money is kept); a fired order whose money never came is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Handed to the payment core's audit by the composition.
RULES: Final[Mapping[str, str]] = {
    "a share of a counter order says what its payment says": """
        SELECT s.payment_id AS id, s.state || ' but the payment told ' || p.payable_state AS detail
        FROM counter_shares AS s JOIN payments AS p ON p.id = s.payment_id WHERE s.state <> p.payable_state""",
    "a counter order is in the kitchen if and only if it is paid": """
        SELECT o.id, o.status || ' with ' || b.paid || ' paid of ' || b.fired || ' fired' AS detail
        FROM counter_orders AS o CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(sum(amount), 0) FROM counter_shares
                    WHERE order_id = o.id AND state = 'paid') AS paid,
                   (SELECT coalesce(sum(amount - discount), 0) FROM tab_lines
                    WHERE tab_id = o.tab_id AND status NOT IN ('basket', 'void')) AS fired) AS b
        WHERE (o.status = 'paid' AND b.paid < b.fired) OR (o.status <> 'paid' AND b.fired > 0)""",
    "a counter order is being paid if and only if a payment holds it": """
        SELECT o.id, o.status AS detail FROM counter_orders AS o
        WHERE (o.status = 'paying') <> EXISTS (SELECT FROM counter_shares AS s
            WHERE s.order_id = o.id AND s.state = 'held') AND o.status IN ('building', 'paying')""",
}
