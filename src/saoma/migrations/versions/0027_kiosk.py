"""Kiosks: orders that customers put together alone, that go away when nobody comes back or wait for the counter."""

from alembic import op

revision = "0027_kiosk"
down_revision = "0026_menu"

SQL = """
-- Whether it is packed, whatever channel it came by; and what the kitchen should know of the whole order.
ALTER TABLE tabs ADD COLUMN to_go boolean NOT NULL DEFAULT false;
ALTER TABLE tabs ADD COLUMN note text NOT NULL DEFAULT '';
UPDATE tabs SET to_go = true WHERE channel = 'takeaway';

-- When a kiosk's order was left for the counter to be paid there; until then it is nobody's but the kiosk's.
ALTER TABLE counter_orders ADD COLUMN left_for_counter_at timestamptz;
-- When a worker looks whether anybody still wants the order.
ALTER TABLE counter_orders ADD COLUMN due_at timestamptz;
ALTER TABLE counter_orders ADD COLUMN tries int NOT NULL DEFAULT 0;
UPDATE counter_orders SET due_at = changed_at + interval '2 hours' WHERE status IN ('building', 'paying');
-- A dish that is paid may be called off: it is struck, and paid until its money went back. None is struck while held.
ALTER TABLE tab_lines DROP CONSTRAINT tab_lines_check2;
ALTER TABLE tab_lines ADD CONSTRAINT no_dish_in_a_basket_is_paid CHECK (paid_by IS NULL OR status <> 'basket');
ALTER TABLE tab_lines ADD CONSTRAINT no_struck_dish_is_held CHECK (paid_by IS NULL OR status <> 'void' OR paid);
CREATE INDEX counter_orders_due ON counter_orders (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Carry it out."""
    op.execute(SQL)
