"""Tables and thirty dishes for the django-oscar shop; prints the path of each dish. Run by the peer's own Python."""

# mypy: ignore-errors

import contextlib
import io

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up first
from oscar.core.loading import get_model  # noqa: E402

with contextlib.redirect_stdout(io.StringIO()):
    call_command("migrate", verbosity=0)

Country = get_model("address", "Country")
Country.objects.get_or_create(
    iso_3166_1_a2="SG", defaults={"printable_name": "Singapore", "name": "Singapore", "is_shipping_country": True}
)
ProductClass = get_model("catalogue", "ProductClass")
Product = get_model("catalogue", "Product")
Partner = get_model("partner", "Partner")
StockRecord = get_model("partner", "StockRecord")

dish, _ = ProductClass.objects.get_or_create(name="Dish", defaults={"requires_shipping": True, "track_stock": False})
shop, _ = Partner.objects.get_or_create(name="Bench")
for number in range(30):
    one = Product.objects.create(
        product_class=dish,
        title=f"Noodles of the house, number {number}",
        description="Twelve hours of broth, hand-pulled, with pickled greens.",
        upc=f"dish-{number}",
    )
    StockRecord.objects.create(
        product=one, partner=shop, partner_sku=f"dish-{number}", price_currency="GBP", price=(980 + 10 * number) / 100
    )
    print(one.get_absolute_url())
