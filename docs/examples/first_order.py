#!/usr/bin/env python3
"""Places an order: python3 first_order.py ENDPOINT[,ENDPOINT…] SALE BUYER [KEY]

Needs the client: pip install ./clients/python. `first_order_raw.py` does the same without it.
"""

import sys

from stampede_client import CallError, Client, RequestKey


def main(endpoints, sale, buyer, key=None):
    # The key names the request. Store it before the call: the same key makes a repetition safe.
    key = RequestKey.parse(key) if key else RequestKey.random()
    print(f"request key {key}")
    with Client(endpoints.split(",")) as client:
        try:
            order = client.place_order(int(sale), int(buyer), key=key)
        except CallError as error:
            if not error.may_have_run:
                print(error.message)
                print("no order was placed")
                return 1
            # The one case that needs care: ask how it ended, and end it if it has not.
            order = client.settle_order(int(sale), int(buyer), key=key).order
            if order is None:
                print("no order was placed, and none ever will be with this key")
                return 1
    print("order", order.id, "for", order.amount, order.currency)  # it is in Postgres
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
