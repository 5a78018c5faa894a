// The frames of Sources/Wire/PROTOCOL.md, as far as the peers need them.

#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { HEADER_SIZE = 64, IDENTITY_SIZE = 16, MAXIMUM_FRAME = 65536 };

enum kind {
    KIND_PING = 0x03,
    KIND_PONG = 0x04,
    KIND_GO_AWAY = 0x05,
    KIND_CALL = 0x10,
    KIND_RESULT = 0x12,
    KIND_READY = 0x20,
    KIND_BEAT = 0x21,
    KIND_OWN = 0x22,
};

enum { FLAG_END = 1, FLAG_KEYED = 4 };
enum { STATUS_OK = 0, STATUS_FAILED_PRECONDITION = 9, REASON_SOLD_OUT = 10 };

// The machines this runs on are little-endian, as the protocol is.
static inline uint64_t get64(const uint8_t *at) { uint64_t v; memcpy(&v, at, 8); return v; }
static inline void put64(uint8_t *at, uint64_t v) { memcpy(at, &v, 8); }
static inline void put32(uint8_t *at, uint32_t v) { memcpy(at, &v, 4); }
static inline uint16_t get16(const uint8_t *at) { uint16_t v; memcpy(&v, at, 2); return v; }

static inline enum kind kind_of(const uint8_t *frame) { return (enum kind)frame[2]; }
static inline uint64_t call_id(const uint8_t *frame) { return get64(frame + 8); }
static inline void set_call_id(uint8_t *frame, uint64_t id) { put64(frame + 8, id); }

static inline void start_frame(uint8_t *frame, enum kind kind) {
    memset(frame, 0, HEADER_SIZE);
    frame[0] = 0x53;
    frame[1] = 1;
    frame[2] = (uint8_t)kind;
}

/// 64-bit FNV-1a of a method's name.
static inline uint64_t method_number(const char *name) {
    uint64_t hash = 0xcbf29ce484222325;
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    return hash;
}

// MessagePack, each returning where the next byte goes.
static inline uint8_t *pack_array(uint8_t *at, uint8_t count) { *at++ = 0x90 | count; return at; }
static inline uint8_t *pack_map(uint8_t *at, uint8_t count) { *at++ = 0x80 | count; return at; }
static inline uint8_t *pack_small(uint8_t *at, uint8_t value) { *at++ = value & 0x7f; return at; }
static inline uint8_t *pack_true(uint8_t *at) { *at++ = 0xc3; return at; }

static inline uint8_t *pack_uint64(uint8_t *at, uint64_t value) {
    *at++ = 0xcf;
    for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)(value >> shift);
    return at;
}

static inline uint8_t *pack_string(uint8_t *at, const char *text) {
    size_t size = strlen(text);
    *at++ = 0xa0 | (uint8_t)size;
    memcpy(at, text, size);
    return at + size;
}

static inline uint8_t *pack_binary(uint8_t *at, const uint8_t *bytes, uint8_t size) {
    *at++ = 0xc4;
    *at++ = size;
    memcpy(at, bytes, size);
    return at + size;
}

#endif
