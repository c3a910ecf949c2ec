/* An agreed WebSocket, whichever HTTP version carries it: a byte stream over a wire or over one HTTP/2 stream. Both ends use it. */
#pragma once
#include "http2.h"
#include "wire.h"

struct tunnel;

struct tunnel_events {
  void (*on_open)(struct tunnel *); /* client side: 101 or 2xx arrived */
  void (*on_data)(struct tunnel *, uint8_t *data, size_t length);
  void (*on_writable)(struct tunnel *); /* may be NULL */
  void (*on_end)(struct tunnel *);      /* the other end is done */
};

struct tunnel {
  struct wire *wire;
  struct http2_stream *stream; /* NULL on HTTP/1.1 */
  const struct tunnel_events *events;
};

void tunnel_write(struct tunnel *, const void *data, size_t length);
/* Sends as much as fits now and returns how much; on_writable follows when that was not all. */
size_t tunnel_write_now(struct tunnel *, const void *data, size_t length);
