// What Swift cannot import of libmicrohttpd: its options are variadic.
// https://www.gnu.org/software/libmicrohttpd/manual/libmicrohttpd.html
#pragma once
#include <microhttpd.h>
#include <stdint.h>

static inline struct MHD_Daemon *http_start(
    const struct sockaddr *address, unsigned int connections, unsigned int seconds, size_t memory,
    MHD_AccessHandlerCallback handler, MHD_RequestCompletedCallback completed, void *state) {
    // One thread polls all connections; those whose answer is being made are suspended meanwhile.
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handler, state,
        MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_NOTIFY_COMPLETED, completed, state, MHD_OPTION_END);
}

static inline uint16_t http_port(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}
