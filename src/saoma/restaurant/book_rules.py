"""What must hold between payments and bills: questions for the audit, each finding the rows that break one.

A bill may owe less than was paid (late money is kept as surplus), but a settled tab never owes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Handed to the payment core's audit by the composition.
RULES: Final[Mapping[str, str]] = {
    "a share of a bill says what its payment says": """
        SELECT s.payment_id AS id, s.state || ' but the payment told ' || p.payable_state AS detail
        FROM bill_shares AS s JOIN payments AS p ON p.id = s.payment_id WHERE s.state <> p.payable_state""",
    "a share of a bill and its tip are what its payment asked for": """
        SELECT s.payment_id AS id, s.amount || ' and a tip of ' || s.tip || ' of ' || p.amount AS detail
        FROM bill_shares AS s JOIN payments AS p ON p.id = s.payment_id
        WHERE s.amount + s.tip <> p.amount OR s.refunded + s.tip_refunded > p.refunded""",
    "an order is settled if and only if its payments cover it": """
        SELECT s.id, t.status || ' with ' || b.paid || ' paid of ' || b.ordered AS detail
        FROM sittings AS s JOIN tabs AS t ON t.id = s.tab_id CROSS JOIN LATERAL (
            SELECT (SELECT coalesce(sum(amount - surplus_refunded), 0) FROM bill_shares
                 WHERE sitting_id = s.id AND state = 'paid') AS paid,
                (SELECT coalesce(sum(amount - discount), 0) FROM tab_lines
                 WHERE tab_id = t.id AND status NOT IN ('basket', 'void')) AS ordered,
                EXISTS (SELECT FROM tab_lines WHERE tab_id = t.id AND status = 'basket') AS choosing) AS b
        WHERE (t.status = 'settled' AND b.paid < b.ordered)
           OR (t.status = 'open' AND s.status = 'open' AND b.ordered > 0 AND b.paid >= b.ordered AND NOT b.choosing)""",
    "a dish is paid if and only if a payment that was paid names it": """
        SELECT l.id, CASE WHEN l.paid THEN 'paid by ' ELSE 'not paid, though named by ' END
            || coalesce(l.paid_by, 'nobody') AS detail
        FROM tab_lines AS l LEFT JOIN payments AS p ON p.id = l.paid_by
        WHERE l.paid <> coalesce(p.payable_state = 'paid', false)""",
}
