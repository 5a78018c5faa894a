#include "peers.h"

#include <getopt.h>
#include <string.h>

static int usage(void) {
    fprintf(stderr,
            "usage: peers client ADDRESS [--window N] [--place | --order] [--echo] [--warmup MS] [--measure MS]\n"
            "                            [--calls N --over MS]\n"
            "       peers forwarder CLIENTS WORKERS\n"
            "       peers worker ADDRESS\n"
            "       peers echo ADDRESS\n");
    return 2;
}

void *make_socket(void *context, int type) {
    void *socket = zmq_socket(context, type);
    CHECK(socket);
    // Nothing is to be lost silently: the window bounds what is queued.
    int high_water_mark = 100000, linger = 0, mandatory = 1;
    CHECK(zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water_mark, sizeof(int)) == 0);
    CHECK(zmq_setsockopt(socket, ZMQ_RCVHWM, &high_water_mark, sizeof(int)) == 0);
    CHECK(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(int)) == 0);
    if (type == ZMQ_ROUTER) {
        CHECK(zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof(int)) == 0);
    }
    return socket;
}

static int parse_client(int argc, char **argv) {
    static const struct option options[] = {
        {"window", required_argument, NULL, 'w'},  {"place", no_argument, NULL, 'p'},
        {"echo", no_argument, NULL, 'e'},          {"warmup", required_argument, NULL, 'u'},
        {"measure", required_argument, NULL, 'm'}, {"calls", required_argument, NULL, 'c'},
        {"over", required_argument, NULL, 'o'},    {"order", no_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    struct client_settings settings = {.window = 1, .warmup_ms = 300, .measure_ms = 1000};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'w': settings.window = atoi(optarg); break;
        case 'p': settings.places_orders = true; break;
        case 'a': settings.places_orders = settings.asks_owner = true; break;
        case 'e': settings.expects_echo = true; break;
        case 'u': settings.warmup_ms = atoll(optarg); break;
        case 'm': settings.measure_ms = atoll(optarg); break;
        case 'c': settings.calls = atoll(optarg); break;
        case 'o': settings.over_ms = atoll(optarg); break;
        default: return usage();
        }
    }
    if (optind + 1 != argc || settings.window < 1 || settings.window > 65536) return usage();
    settings.address = argv[optind];
    return run_client(&settings);
}

int main(int argc, char **argv) {
    const char *peer = argc > 1 ? argv[1] : "";
    if (strcmp(peer, "client") == 0) return parse_client(argc - 1, argv + 1);
    if (strcmp(peer, "forwarder") == 0 && argc == 4) return run_forwarder(argv[2], argv[3]);
    if (strcmp(peer, "worker") == 0 && argc == 3) return run_worker(argv[2]);
    if (strcmp(peer, "echo") == 0 && argc == 3) return run_echo(argv[2]);
    return usage();
}
