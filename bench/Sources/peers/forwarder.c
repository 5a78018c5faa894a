// The floor: what forwarding costs with libzmq alone. Two ROUTERs, and the call id rewritten in place, because a
// broker must name calls itself. No deadlines, no credit, no checks.

#include "frame.h"
#include "peers.h"

enum { SLOTS = 65536, DRAIN_LIMIT = 256 };

struct call {
    uint64_t client_call_id;
    uint8_t identity[IDENTITY_SIZE];
    size_t identity_size;
};

static struct call calls[SLOTS];
static uint32_t free_slots[SLOTS];
static uint32_t free_count;
static uint8_t worker[IDENTITY_SIZE];
static size_t worker_size;

/// Takes the next `[identity][frame]`, or returns false.
static bool receive(void *socket, zmq_msg_t *identity, zmq_msg_t *frame) {
    if (zmq_msg_recv(identity, socket, ZMQ_DONTWAIT) < 0) return false;
    CHECK(zmq_msg_more(identity) && zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0);
    CHECK(!zmq_msg_more(frame) && zmq_msg_size(frame) >= HEADER_SIZE);
    CHECK(zmq_msg_size(identity) <= IDENTITY_SIZE);
    return true;
}

static void send_to(void *socket, const uint8_t *identity, size_t size, zmq_msg_t *frame) {
    // A peer that is gone needs no message.
    if (zmq_send(socket, identity, size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) return;
    CHECK(zmq_msg_send(frame, socket, ZMQ_DONTWAIT) >= 0);
}

static void forward_calls(void *clients, void *workers, zmq_msg_t *identity, zmq_msg_t *frame) {
    for (int count = 0; count < DRAIN_LIMIT && receive(clients, identity, frame); count++) {
        uint8_t *bytes = zmq_msg_data(frame);
        if (kind_of(bytes) == KIND_PING) {
            bytes[2] = KIND_PONG;
            send_to(clients, zmq_msg_data(identity), zmq_msg_size(identity), frame);
            continue;
        }
        CHECK(kind_of(bytes) == KIND_CALL && free_count > 0);
        uint32_t slot = free_slots[--free_count];
        calls[slot].client_call_id = call_id(bytes);
        calls[slot].identity_size = zmq_msg_size(identity);
        memcpy(calls[slot].identity, zmq_msg_data(identity), calls[slot].identity_size);
        set_call_id(bytes, (uint64_t)slot + 1);
        send_to(workers, worker, worker_size, frame);
    }
}

static void forward_results(void *clients, void *workers, zmq_msg_t *identity, zmq_msg_t *frame) {
    for (int count = 0; count < DRAIN_LIMIT && receive(workers, identity, frame); count++) {
        uint8_t *bytes = zmq_msg_data(frame);
        if (kind_of(bytes) == KIND_READY) {
            worker_size = zmq_msg_size(identity);
            memcpy(worker, zmq_msg_data(identity), worker_size);
            continue;
        }
        if (kind_of(bytes) != KIND_RESULT) continue;
        uint64_t id = call_id(bytes);
        CHECK(id >= 1 && id <= SLOTS);
        uint32_t slot = (uint32_t)(id - 1);
        set_call_id(bytes, calls[slot].client_call_id);
        free_slots[free_count++] = slot;
        send_to(clients, calls[slot].identity, calls[slot].identity_size, frame);
    }
}

int run_forwarder(const char *client_address, const char *worker_address) {
    void *context = zmq_ctx_new();
    void *clients = make_socket(context, ZMQ_ROUTER), *workers = make_socket(context, ZMQ_ROUTER);
    CHECK(zmq_bind(clients, client_address) == 0 && zmq_bind(workers, worker_address) == 0);
    for (uint32_t slot = 0; slot < SLOTS; slot++) free_slots[free_count++] = SLOTS - 1 - slot;
    zmq_msg_t identity, frame;
    zmq_msg_init(&identity);
    zmq_msg_init(&frame);
    zmq_pollitem_t items[] = {{clients, 0, ZMQ_POLLIN, 0}, {workers, 0, ZMQ_POLLIN, 0}};
    while (true) {
        // Until the worker is there nobody could take a call.
        int first = worker_size > 0 ? 0 : 1;
        items[0].revents = 0;
        CHECK(zmq_poll(items + first, 2 - first, -1) >= 0 || zmq_errno() == EINTR);
        if (items[0].revents) forward_calls(clients, workers, &identity, &frame);
        if (items[1].revents) forward_results(clients, workers, &identity, &frame);
    }
}
