// One ROUTER that sends every frame back to whom it came from.

#include "peers.h"

int run_echo(const char *address) {
    void *context = zmq_ctx_new();
    void *socket = make_socket(context, ZMQ_ROUTER);
    CHECK(zmq_bind(socket, address) == 0);
    zmq_msg_t identity, frame;
    zmq_msg_init(&identity);
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&identity, socket, 0) >= 0 || zmq_errno() == EINTR) {
        CHECK(zmq_msg_recv(&frame, socket, 0) >= 0);
        if (zmq_msg_send(&identity, socket, ZMQ_SNDMORE) < 0) continue;
        CHECK(zmq_msg_send(&frame, socket, 0) >= 0);
    }
    return 1;
}
