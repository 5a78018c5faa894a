#!/usr/bin/env python3
"""Places an order over raw ZeroMQ: python3 first_order_raw.py ENDPOINT SALE BUYER [KEY]

Needs pyzmq and msgpack. Sources/Wire/PROTOCOL.md has the header's table and what the numbers mean.
"""
import os, struct, sys
import msgpack, zmq

HEADER = struct.Struct("<BBBBHBBQIIQqhHI16s")
CALL, RESULT, END, RETRY, KEYED = 0x10, 0x12, 1, 2, 4
ORDER_PLACE = 0xD3E35F2123980E52  # FNV-1a of "order.place"


def attempt(endpoint, call_id, flags, sale, key, body, milliseconds=5000):
    """One attempt on a socket of its own: status, certainty, reason, body; None when nothing came."""
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.setsockopt(zmq.IMMEDIATE, 1)  # queue nothing for a broker that is not there
    socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a new connection is a new socket
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(endpoint)
    header = HEADER.pack(0x53, 1, CALL, END | KEYED | flags, 0, 0, 0, call_id, 0, milliseconds, ORDER_PLACE,
                         sale, 0, 0, 0, key.to_bytes(16, "little"))
    try:
        socket.setsockopt(zmq.SNDTIMEO, 1000)
        socket.setsockopt(zmq.RCVTIMEO, milliseconds + 500)
        socket.send(header + msgpack.packb(body))
        while True:
            frame = socket.recv()
            fields = HEADER.unpack_from(frame)
            if fields[2] == RESULT and fields[7] == call_id:
                return fields[5], fields[6], fields[13], msgpack.unpackb(frame[HEADER.size + fields[4]:])
    except zmq.Again:
        return None
    finally:
        socket.close()


def main(endpoint, sale, buyer, key=None):
    # The key names the request. Print it before sending: the same key makes a repetition safe.
    key = int(key, 16) if key else int.from_bytes(os.urandom(16), "big")
    print(f"request key {key:032x}")
    body = {"sale": int(sale), "buyer": int(buyer), "quantity": 1, "key": key.to_bytes(16, "big")}
    maybe = False
    for number in range(1, 4):
        answer = attempt(endpoint, number, RETRY if number > 1 else 0, int(sale), key, body)
        if answer and answer[0] == 0:  # a yes of any attempt wins
            print("order", answer[3]["order"], "for", answer[3]["amount"], answer[3]["currency"])
            return 0
        # A refusal speaks of one attempt only: once one may have run, the outcome is unknown.
        maybe = maybe or answer is None or answer[1] == 2
        if answer and answer[0] != 14:  # only "unavailable" is worth another attempt here
            break
    print(answer[3]["message"] if answer else "no answer came")
    print("an order may exist: run this again with the same key" if maybe else "no order was placed")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
