// The C side of `make bench-rpc`: client, forwarder, worker and echo, each run as a process of its own.

#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

/// What the client is told on its command line.
struct client_settings {
    const char *address;
    /// Calls under way at any time.
    int window;
    /// Calls order.place for a sale whose gate is closed, in place of bench.echo.
    bool places_orders;
    /// The sale's gate is open, so that the owner of its partition answers.
    bool asks_owner;
    /// The other side sends frames back as they are.
    bool expects_echo;
    /// Run by time: this much before measuring, and this much measured.
    int64_t warmup_ms;
    int64_t measure_ms;
    /// Run by number: so many calls, then silence until `over_ms` have passed since the start.
    int64_t calls;
    int64_t over_ms;
};

int run_client(const struct client_settings *settings);
int run_forwarder(const char *clients, const char *workers);
int run_worker(const char *address);
int run_echo(const char *address);

#define CHECK(condition)                                                                                   \
    do {                                                                                                   \
        if (!(condition)) {                                                                                \
            fprintf(stderr, "peers: %s failed at %s:%d: %s\n", #condition, __FILE__, __LINE__,             \
                    zmq_strerror(zmq_errno()));                                                            \
            exit(1);                                                                                       \
        }                                                                                                  \
    } while (0)

/// A socket with the limits that ours have too.
void *make_socket(void *context, int type);

#endif
