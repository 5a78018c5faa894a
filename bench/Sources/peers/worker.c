// A worker that sends bodies back, for the forwarder and for a real broker alike: READY, BEAT and OWN are as
// Sources/Wire/PROTOCOL.md wants them. It keeps the gate of sale 7 closed.

#include "frame.h"
#include "peers.h"

enum { CREDIT = 65535 };

static void *broker;

static void send_frame(const uint8_t *frame, const uint8_t *end) {
    CHECK(zmq_send(broker, frame, (size_t)(end - frame), 0) == (int)(end - frame));
}

static void send_ready(void) {
    uint8_t frame[512];
    start_frame(frame, KIND_READY);
    uint8_t *end = pack_array(frame + HEADER_SIZE, 7);
    end = pack_string(end, "bench-worker");
    end = pack_string(end, "bench");
    end = pack_small(end, 1);
    end = pack_string(end, "splitmix64-v1");
    end = pack_array(end, 2);
    end = pack_uint64(end, method_number("bench.echo"));
    end = pack_uint64(end, method_number("order.place"));
    end = pack_array(end, 3);
    for (int priority = 0; priority < 3; priority++) end = pack_uint64(end, CREDIT);
    end = pack_uint64(end, 3000);
    send_frame(frame, end);
}

static uint8_t *pack_gates(uint8_t *end) {
    end = pack_array(end, 1);
    end = pack_array(end, 7);
    end = pack_uint64(end, method_number("order.place"));
    end = pack_small(end, 7);
    end = pack_small(end, 0);
    end = pack_small(end, 0);
    end = pack_small(end, 1);
    end = pack_small(end, 1);
    return pack_small(end, REASON_SOLD_OUT);
}

static void send_own(void) {
    uint8_t frame[512];
    start_frame(frame, KIND_OWN);
    uint8_t *end = pack_array(frame + HEADER_SIZE, 4);
    end = pack_small(end, 0);
    end = pack_small(end, 1);
    end = pack_string(end, "bench");
    send_frame(frame, pack_gates(end));
}

/// Answers a broker's beat. Its stamp is echoed, or the gate would open.
static void send_beat(uint64_t stamp) {
    uint8_t frame[512];
    start_frame(frame, KIND_BEAT);
    set_call_id(frame, stamp);
    uint8_t *end = pack_array(frame + HEADER_SIZE, 3);
    end = pack_true(end);
    end = pack_uint64(end, 3000);
    send_frame(frame, pack_gates(end));
}

int run_worker(const char *address) {
    void *context = zmq_ctx_new();
    broker = make_socket(context, ZMQ_DEALER);
    CHECK(zmq_connect(broker, address) == 0);
    send_ready();
    send_own();
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, broker, 0) >= 0 || zmq_errno() == EINTR) {
        uint8_t *frame = zmq_msg_data(&message);
        if (zmq_msg_size(&message) < HEADER_SIZE) continue;
        switch (kind_of(frame)) {
        case KIND_CALL: {
            uint64_t id = call_id(frame);
            start_frame(frame, KIND_RESULT);
            frame[3] = FLAG_END;
            set_call_id(frame, id);
            CHECK(zmq_msg_send(&message, broker, 0) >= 0);
            break;
        }
        case KIND_BEAT: send_beat(call_id(frame)); break;
        case KIND_GO_AWAY: return 0;
        default: break;
        }
    }
    return 1;
}
