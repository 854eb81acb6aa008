"""What must hold between payments and orders made ahead: questions for the audit, each finding the rows that break one.

Surplus is allowed (late money is kept, with a case); an order made without the money it was promised for is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Handed to the payment core's audit by the composition.
RULES: Final[Mapping[str, str]] = {
    "a share of an order made ahead says what its payment says": """
        SELECT s.payment_id AS id, s.state || ' but the payment told ' || p.payable_state AS detail
        FROM online_shares AS s JOIN payments AS p ON p.id = s.payment_id WHERE s.state <> p.payable_state""",
    "an order made ahead is being paid if and only if a payment holds it": """
        SELECT o.id, o.status AS detail FROM online_orders AS o
        WHERE (o.status = 'paying') <> EXISTS (SELECT FROM online_shares AS s
            WHERE s.order_id = o.id AND s.state = 'held') AND o.status IN ('choosing', 'paying')""",
    "an order that is paid ahead is promised only with its money": """
        SELECT o.id, o.status || ' with ' || b.paid || ' of ' || b.wanted AS detail
        FROM online_orders AS o CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(sum(amount), 0) FROM online_shares
                    WHERE order_id = o.id AND state = 'paid') AS paid,
                   (SELECT coalesce(sum(amount - discount), 0) FROM tab_lines
                    WHERE tab_id = o.tab_id AND status <> 'void') AS wanted) AS b
        WHERE o.pay = 'ahead' AND o.status IN ('promised', 'fired', 'collected', 'no_show') AND b.paid < b.wanted""",
    "an order made ahead is handed over only with its money": """
        SELECT o.id, o.status || ' with ' || b.paid || ' of ' || b.wanted AS detail
        FROM online_orders AS o CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(sum(amount), 0) FROM online_shares
                    WHERE order_id = o.id AND state = 'paid') AS paid,
                   (SELECT coalesce(sum(amount - discount), 0) FROM tab_lines
                    WHERE tab_id = o.tab_id AND status NOT IN ('basket', 'void')) AS wanted) AS b
        WHERE o.status = 'collected' AND b.paid < b.wanted""",
    "the kitchen has an order made ahead if and only if it was fired": """
        SELECT o.id, o.status AS detail FROM online_orders AS o
        WHERE (o.fired_at IS NOT NULL) <> EXISTS (SELECT FROM tab_lines AS l
            WHERE l.tab_id = o.tab_id AND l.round IS NOT NULL)""",
}
