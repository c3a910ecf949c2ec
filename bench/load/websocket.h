/* WebSocket framing (RFC 6455 §5.2): building frames, and the origin's echo of a frame stream cut anywhere. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The example key of RFC 6455 §1.3 and the answer to it. */
#define WEBSOCKET_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WEBSOCKET_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* Writes the head of a binary frame and returns its length. Client frames are masked with zero: payload bytes stay as they are. */
size_t websocket_frame_head(uint8_t *to, size_t payload, bool masked);

/* Sec-WebSocket-Accept for a key of 24 characters (RFC 6455 §4.2.2), 28 characters and a zero. */
void websocket_accept(const char *key, char accept[32]);

struct websocket_echo {
  uint8_t head[14];
  uint8_t filled;
  uint8_t mask[4];
  uint64_t left; /* payload of the frame at hand */
  unsigned position;
  bool closing; /* a Close frame came by; it is echoed like any other */
};

/* Turns client frames into the same frames as a server sends them. `out` has room for `length` bytes. Returns bytes written. */
size_t websocket_echo(struct websocket_echo *, const uint8_t *in, size_t length, uint8_t *out);
