/* A socket, plain or TLS, with one output buffer. What a handler writes leaves in one system call when the handler returns. */
#pragma once
#include "loop.h"
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire;

struct wire_events {
  void (*on_open)(struct wire *);
  void (*on_data)(struct wire *, uint8_t *data, size_t length);
  void (*on_drain)(struct wire *); /* the output buffer ran empty after having been blocked; may be NULL */
  void (*on_lost)(struct wire *);  /* end of input or error; the wire is closed right after */
};

struct wire {
  struct source source; /* first: the loop's pointer is the wire */
  SSL *ssl;
  enum { WIRE_CONNECTING, WIRE_HANDSHAKING, WIRE_OPEN, WIRE_CLOSED } state;
  bool dirty, waiting_for_room, connected_out;
  uint8_t *out;
  size_t out_start, out_end, out_size;
  const struct wire_events *events;
  void *owner;
  struct wire *next; /* in the dirty list or among the buried */
  struct wire *newer, *older; /* among all that wire_connect made */
};

void wires_start(void);
/* Connects to 127.0.0.1:port; `nth` spreads connections over source addresses 127.0.0.1-16. */
struct wire *wire_connect(int port, unsigned nth, SSL_CTX *tls, const struct wire_events *, void *owner);
struct wire *wire_accepted(int fd, const struct wire_events *, void *owner);
/* Room for `length` bytes at the end of the output, counted as written. */
uint8_t *wire_reserve(struct wire *, size_t length);
void wire_write(struct wire *, const void *data, size_t length);
/* Writes straight to the socket and returns how much went; 0 when it has to wait for on_drain. */
size_t wire_write_now(struct wire *, const void *data, size_t length);
size_t wire_queued(const struct wire *);
/* Asks for on_drain as soon as the socket takes more. */
void wire_want_drain(struct wire *);
void wire_close(struct wire *);
/* Closes every wire that wire_connect made. */
void wires_close_connected(void);
