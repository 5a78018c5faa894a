// Keeps a window of calls under way over one DEALER and measures how long each takes.

#include "frame.h"
#include "peers.h"

#include <time.h>

/// Latencies in nanoseconds, in buckets of at most 1 % width: 64 for every power of two.
struct histogram {
    uint64_t counts[64 * 64];
    uint64_t total;
};

static size_t bucket_of(uint64_t value) {
    if (value < 64) return value;
    int shift = 63 - __builtin_clzll(value) - 6;
    return (size_t)(shift + 1) * 64 + (size_t)((value >> shift) & 63);
}

static uint64_t value_of(size_t bucket) {
    if (bucket < 64) return bucket;
    return (64 + (bucket & 63)) << (bucket / 64 - 1);
}

static double percentile_us(const struct histogram *histogram, double percent) {
    uint64_t rank = (uint64_t)((double)histogram->total * percent / 100), seen = 0;
    for (size_t bucket = 0; bucket < sizeof histogram->counts / sizeof *histogram->counts; bucket++) {
        seen += histogram->counts[bucket];
        if (seen > rank) return (double)value_of(bucket) / 1000;
    }
    return 0;
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct client {
    const struct client_settings *settings;
    void *socket;
    uint8_t frame[256];
    size_t size;
    int64_t *sent_at;
    int64_t sent, answered, failed;
    struct histogram histogram;
};

static void prepare_call(struct client *client) {
    uint8_t *frame = client->frame;
    start_frame(frame, KIND_CALL);
    put32(frame + 20, 30000);
    uint8_t *end = frame + HEADER_SIZE;
    if (client->settings->places_orders) {
        uint8_t key[16] = {0x42, 0x65, 0x6e, 0x63, 0x68, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
        frame[3] = FLAG_END | FLAG_KEYED;
        put64(frame + 24, method_number("order.place"));
        uint8_t sale = client->settings->asks_owner ? 8 : 7;
        put64(frame + 32, sale);
        for (int index = 0; index < 16; index++) frame[48 + index] = key[15 - index];
        end = pack_map(end, 4);
        end = pack_small(pack_string(end, "sale"), sale);
        end = pack_small(pack_string(end, "buyer"), 42);
        end = pack_small(pack_string(end, "quantity"), 2);
        end = pack_binary(pack_string(end, "key"), key, sizeof key);
    } else {
        // A body of 64 bytes: {"data": 56 bytes}.
        uint8_t bytes[56];
        memset(bytes, 7, sizeof bytes);
        frame[3] = FLAG_END;
        put64(frame + 24, method_number("bench.echo"));
        end = pack_map(end, 1);
        end = pack_binary(pack_string(end, "data"), bytes, sizeof bytes);
    }
    client->size = (size_t)(end - frame);
}

static void send_call(struct client *client, uint32_t slot) {
    set_call_id(client->frame, (uint64_t)slot + 1);
    client->sent_at[slot] = now_ns();
    CHECK(zmq_send(client->socket, client->frame, client->size, 0) == (int)client->size);
    client->sent++;
}

static bool is_expected(const struct client *client, const uint8_t *frame, size_t size) {
    if (client->settings->expects_echo) return kind_of(frame) == KIND_CALL && size == client->size;
    if (kind_of(frame) != KIND_RESULT) return false;
    if (client->settings->places_orders && !client->settings->asks_owner) {
        return frame[6] == STATUS_FAILED_PRECONDITION && get16(frame + 42) == REASON_SOLD_OUT;
    }
    return frame[6] == STATUS_OK && size == client->size;
}

/// Takes the next answer and returns its slot.
static uint32_t receive_answer(struct client *client) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (true) {
        if (zmq_msg_recv(&message, client->socket, 0) < 0) {
            fprintf(stderr, "peers: no answer came for 10 s\n");
            exit(1);
        }
        uint8_t *frame = zmq_msg_data(&message);
        size_t size = zmq_msg_size(&message);
        if (size >= HEADER_SIZE && kind_of(frame) == KIND_PING) {
            // A broker asks how much of what it sent was read.
            frame[2] = KIND_PONG;
            CHECK(zmq_msg_send(&message, client->socket, 0) >= 0);
            continue;
        }
        uint64_t id = size >= HEADER_SIZE ? call_id(frame) : 0;
        if (id < 1 || id > (uint64_t)client->settings->window) continue;
        if (!is_expected(client, frame, size)) client->failed++;
        client->answered++;
        zmq_msg_close(&message);
        return (uint32_t)(id - 1);
    }
}

/// A session begins with a PING. Whoever is not a broker sends something back, too.
static void begin_session(struct client *client) {
    uint8_t ping[HEADER_SIZE], answer[HEADER_SIZE];
    start_frame(ping, KIND_PING);
    ping[3] = FLAG_END;
    CHECK(zmq_send(client->socket, ping, sizeof ping, 0) == sizeof ping);
    CHECK(zmq_recv(client->socket, answer, sizeof answer, 0) == sizeof answer);
}

static void print_summary(const struct client *client, double seconds) {
    printf("{\"calls\": %llu, \"failed\": %lld, \"seconds\": %.6f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           (unsigned long long)client->histogram.total, (long long)client->failed, seconds,
           percentile_us(&client->histogram, 50), percentile_us(&client->histogram, 99));
}

static void run_by_time(struct client *client) {
    int64_t from = now_ns() + client->settings->warmup_ms * 1000000;
    int64_t until = from + client->settings->measure_ms * 1000000;
    for (int slot = 0; slot < client->settings->window; slot++) send_call(client, (uint32_t)slot);
    while (client->answered < client->sent) {
        uint32_t slot = receive_answer(client);
        int64_t now = now_ns();
        if (now >= until) continue;
        if (now >= from) {
            client->histogram.counts[bucket_of((uint64_t)(now - client->sent_at[slot]))]++;
            client->histogram.total++;
        }
        send_call(client, slot);
    }
    print_summary(client, (double)client->settings->measure_ms / 1000);
}

static void run_by_number(struct client *client) {
    int64_t begun = now_ns();
    for (int slot = 0; slot < client->settings->window && client->sent < client->settings->calls; slot++) {
        send_call(client, (uint32_t)slot);
    }
    while (client->answered < client->sent) {
        uint32_t slot = receive_answer(client);
        client->histogram.counts[bucket_of((uint64_t)(now_ns() - client->sent_at[slot]))]++;
        client->histogram.total++;
        if (client->sent < client->settings->calls) send_call(client, slot);
    }
    int64_t ended = now_ns(), rest = begun + client->settings->over_ms * 1000000 - ended;
    if (rest > 0) {
        struct timespec pause = {.tv_sec = rest / 1000000000, .tv_nsec = rest % 1000000000};
        nanosleep(&pause, NULL);
    }
    print_summary(client, (double)(ended - begun) / 1e9);
}

int run_client(const struct client_settings *settings) {
    struct client *client = calloc(1, sizeof *client);
    void *context = zmq_ctx_new();
    CHECK(client && context);
    client->settings = settings;
    client->sent_at = calloc((size_t)settings->window, sizeof *client->sent_at);
    client->socket = make_socket(context, ZMQ_DEALER);
    int patience = 10000;
    CHECK(zmq_setsockopt(client->socket, ZMQ_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK(zmq_connect(client->socket, settings->address) == 0);
    prepare_call(client);
    begin_session(client);
    if (settings->calls > 0) {
        run_by_number(client);
    } else {
        run_by_time(client);
    }
    zmq_close(client->socket);
    zmq_ctx_term(context);
    return 0;
}
