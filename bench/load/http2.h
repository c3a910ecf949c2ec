/*
 * HTTP/2 framing for both ends (RFC 9113 with the extended CONNECT of RFC 8441), written for the benchmark: no priorities, no push, big
 * receive windows. HPACK alone comes from libnghttp2, so heads are encoded as ordinary clients encode them.
 */
#pragma once
#include "wire.h"
#include <nghttp2/nghttp2.h>

struct http2;
struct http2_stream;

struct http2_head {
  int status;
  long content_length;
  char method[16], path[64], protocol[16];
};

struct http2_events {
  void (*on_ready)(struct http2 *); /* the peer's SETTINGS arrived */
  void (*on_head)(struct http2_stream *, const struct http2_head *);
  void (*on_data)(struct http2_stream *, uint8_t *data, size_t length);
  void (*on_end)(struct http2_stream *);      /* the peer ended its direction */
  void (*on_writable)(struct http2_stream *); /* window or buffer room came back */
  void (*on_reset)(struct http2_stream *, uint32_t code);
  void (*on_lost)(struct http2 *);
};

struct http2_stream {
  uint32_t id;
  struct http2 *connection;
  int64_t send_window;
  uint32_t received;
  bool local_ended, remote_ended, end_pending;
  uint8_t *pending; /* written, waiting for window */
  size_t pending_length, pending_size;
  void *owner;
  struct http2_stream *next;
};

#define HTTP2_BUCKETS 256

struct http2 {
  struct wire *wire;
  bool client, ready, preface_seen, peer_connect_protocol;
  uint32_t peer_maximum_streams, peer_initial_window, peer_maximum_frame;
  int64_t send_window;
  uint32_t received, next_id;
  uint8_t *in; /* an unfinished frame */
  size_t in_length, in_size;
  uint8_t *block; /* a header block that continues */
  size_t block_length;
  nghttp2_hd_inflater *inflater;
  nghttp2_hd_deflater *deflater;
  struct http2_stream *buckets[HTTP2_BUCKETS];
  const struct http2_events *events;
  void *owner;
};

/* Sends the preface (client) and SETTINGS at once. */
struct http2 *http2_create(struct wire *, bool client, const struct http2_events *, void *owner);
void http2_free(struct http2 *);
void http2_receive(struct http2 *, uint8_t *data, size_t length);
/* Call when the wire drained. */
void http2_writable(struct http2 *);
struct http2_stream *http2_open(struct http2 *, const nghttp2_nv *fields, size_t count, bool end, void *owner);
void http2_respond(struct http2_stream *, const nghttp2_nv *fields, size_t count, bool end);
void http2_write(struct http2_stream *, const void *data, size_t length, bool end);
/* Bytes that http2_write would send without queueing. */
size_t http2_room(const struct http2_stream *);
