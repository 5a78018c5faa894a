#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

/// `amqp_login` takes its mechanism's arguments as `...`, which Swift cannot call.
static inline amqp_rpc_reply_t stampede_amqp_login(
    amqp_connection_state_t state, const char *vhost, int frame_max, int heartbeat, const char *user,
    const char *password) {
    return amqp_login(state, vhost, 1, frame_max, heartbeat, AMQP_SASL_METHOD_PLAIN, user, password);
}
