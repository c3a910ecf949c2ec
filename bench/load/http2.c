#define _GNU_SOURCE
#include "http2.h"
#include "options.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_WINDOW (4u << 20)
#define CONNECTION_WINDOW (16u << 20)
#define MAXIMUM_STREAMS 100
#define WIRE_LIMIT (256u * 1024)
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_LENGTH 24

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 0x20 };
enum { HEADER_TABLE_SIZE = 1, MAX_CONCURRENT_STREAMS = 3, INITIAL_WINDOW_SIZE = 4, MAX_FRAME_SIZE = 5, ENABLE_CONNECT_PROTOCOL = 8 };

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void put32(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 24);
  p[1] = (uint8_t)(v >> 16);
  p[2] = (uint8_t)(v >> 8);
  p[3] = (uint8_t)v;
}

static uint8_t *frame(struct http2 *h, uint8_t type, uint8_t flags, uint32_t id, size_t length) {
  uint8_t *p = wire_reserve(h->wire, 9 + length);
  p[0] = (uint8_t)(length >> 16);
  p[1] = (uint8_t)(length >> 8);
  p[2] = (uint8_t)length;
  p[3] = type;
  p[4] = flags;
  put32(p + 5, id);
  return p + 9;
}

static void window_update(struct http2 *h, uint32_t id, uint32_t increment) { put32(frame(h, WINDOW_UPDATE, 0, id, 4), increment); }

static void setting(uint8_t *p, uint16_t id, uint32_t value) {
  p[0] = (uint8_t)(id >> 8);
  p[1] = (uint8_t)id;
  put32(p + 2, value);
}

static void send_settings(struct http2 *h) {
  if (h->client) {
    setting(frame(h, SETTINGS, 0, 0, 6), INITIAL_WINDOW_SIZE, STREAM_WINDOW);
  } else {
    uint8_t *p = frame(h, SETTINGS, 0, 0, 18);
    setting(p, INITIAL_WINDOW_SIZE, STREAM_WINDOW);
    setting(p + 6, MAX_CONCURRENT_STREAMS, MAXIMUM_STREAMS);
    setting(p + 12, ENABLE_CONNECT_PROTOCOL, 1);
  }
  window_update(h, 0, CONNECTION_WINDOW - 65535);
}

struct http2 *http2_create(struct wire *wire, bool client, const struct http2_events *events, void *owner) {
  struct http2 *h = calloc(1, sizeof *h);
  h->wire = wire;
  h->client = client;
  h->events = events;
  h->owner = owner;
  h->peer_initial_window = 65535;
  h->peer_maximum_frame = 16384;
  h->peer_maximum_streams = UINT32_MAX;
  h->send_window = 65535;
  h->next_id = 1;
  h->preface_seen = client;
  nghttp2_hd_inflate_new(&h->inflater);
  nghttp2_hd_deflate_new(&h->deflater, 4096);
  if (client) wire_write(wire, PREFACE, PREFACE_LENGTH);
  send_settings(h);
  return h;
}

static struct http2_stream **bucket(struct http2 *h, uint32_t id) { return &h->buckets[(id >> 1) % HTTP2_BUCKETS]; }

static struct http2_stream *find(struct http2 *h, uint32_t id) {
  struct http2_stream *s = *bucket(h, id);
  while (s && s->id != id) s = s->next;
  return s;
}

static struct http2_stream *add(struct http2 *h, uint32_t id, void *owner) {
  struct http2_stream *s = calloc(1, sizeof *s);
  s->id = id;
  s->connection = h;
  s->owner = owner;
  s->send_window = h->peer_initial_window;
  s->next = *bucket(h, id);
  *bucket(h, id) = s;
  return s;
}

static void drop(struct http2_stream *s) {
  struct http2_stream **link = bucket(s->connection, s->id);
  while (*link != s) link = &(*link)->next;
  *link = s->next;
  free(s->pending);
  free(s);
}

void http2_free(struct http2 *h) {
  for (int i = 0; i < HTTP2_BUCKETS; i++)
    while (h->buckets[i]) drop(h->buckets[i]);
  nghttp2_hd_inflate_del(h->inflater);
  nghttp2_hd_deflate_del(h->deflater);
  free(h->in);
  free(h->block);
  free(h);
}

static void send_head(struct http2 *h, uint32_t id, const nghttp2_nv *fields, size_t count, bool end) {
  uint8_t block[4096];
  ssize_t n = nghttp2_hd_deflate_hd(h->deflater, block, sizeof block, fields, count);
  if (n < 0) fail("HPACK encoding: %s", nghttp2_strerror((int)n));
  memcpy(frame(h, HEADERS, (uint8_t)(END_HEADERS | (end ? END_STREAM : 0)), id, (size_t)n), block, (size_t)n);
}

struct http2_stream *http2_open(struct http2 *h, const nghttp2_nv *fields, size_t count, bool end, void *owner) {
  struct http2_stream *s = add(h, h->next_id, owner);
  h->next_id += 2;
  s->local_ended = end;
  send_head(h, s->id, fields, count, end);
  return s;
}

static void drop_when_done(struct http2_stream *s) {
  if (s->local_ended && s->remote_ended && !s->pending_length) drop(s);
}

void http2_respond(struct http2_stream *s, const nghttp2_nv *fields, size_t count, bool end) {
  send_head(s->connection, s->id, fields, count, end);
  s->local_ended = end;
}

size_t http2_room(const struct http2_stream *s) {
  struct http2 *h = s->connection;
  if (s->pending_length || wire_queued(h->wire) >= WIRE_LIMIT) return 0;
  int64_t room = s->send_window < h->send_window ? s->send_window : h->send_window;
  return room > 0 ? (size_t)room : 0;
}

/* Sends as DATA frames what the windows allow and returns how much that was. */
static size_t send_data(struct http2_stream *s, const uint8_t *data, size_t length, bool end) {
  struct http2 *h = s->connection;
  size_t sent = 0;
  do {
    int64_t room = s->send_window < h->send_window ? s->send_window : h->send_window;
    size_t n = length - sent;
    if (n > h->peer_maximum_frame) n = h->peer_maximum_frame;
    if ((int64_t)n > room) n = room > 0 ? (size_t)room : 0;
    if (!n && length) break;
    bool last = end && sent + n == length;
    memcpy(frame(h, DATA, last ? END_STREAM : 0, s->id, n), data + sent, n);
    if (last) s->local_ended = true;
    s->send_window -= (int64_t)n;
    h->send_window -= (int64_t)n;
    sent += n;
  } while (sent < length);
  return sent;
}

static void keep_pending(struct http2_stream *s, const uint8_t *data, size_t length) {
  if (s->pending_length + length > s->pending_size) {
    s->pending_size = (s->pending_length + length) * 2;
    s->pending = realloc(s->pending, s->pending_size);
  }
  memcpy(s->pending + s->pending_length, data, length);
  s->pending_length += length;
}

void http2_write(struct http2_stream *s, const void *data, size_t length, bool end) {
  if (s->local_ended || s->end_pending) return;
  if (!s->pending_length) {
    size_t sent = send_data(s, data, length, end);
    data = (const uint8_t *)data + sent;
    length -= sent;
  }
  if (length) keep_pending(s, data, length);
  if (s->pending_length) s->end_pending = end;
}

static void send_pending(struct http2_stream *s) {
  size_t sent = send_data(s, s->pending, s->pending_length, s->end_pending);
  memmove(s->pending, s->pending + sent, s->pending_length - sent);
  s->pending_length -= sent;
  if (!s->pending_length) drop_when_done(s);
}

static void stream_writable(struct http2_stream *s) {
  if (s->pending_length) return send_pending(s);
  if (!s->local_ended && http2_room(s) && s->connection->events->on_writable) s->connection->events->on_writable(s);
}

void http2_writable(struct http2 *h) {
  for (int i = 0; i < HTTP2_BUCKETS; i++)
    for (struct http2_stream *s = h->buckets[i], *next; s; s = next) {
      next = s->next;
      stream_writable(s);
    }
}

static void copy_text(char *to, size_t size, nghttp2_vec from) {
  size_t n = from.len < size - 1 ? from.len : size - 1;
  memcpy(to, from.base, n);
  to[n] = 0;
}

static void take_field(struct http2_head *head, const nghttp2_nv *field) {
  nghttp2_vec value = {field->value, field->valuelen};
  char number[16];
#define NAMED(text) (field->namelen == sizeof text - 1 && !memcmp(field->name, text, sizeof text - 1))
  if (NAMED(":status")) {
    copy_text(number, sizeof number, value);
    head->status = atoi(number);
  } else if (NAMED("content-length")) {
    copy_text(number, sizeof number, value);
    head->content_length = atol(number);
  } else if (NAMED(":method")) copy_text(head->method, sizeof head->method, value);
  else if (NAMED(":path")) copy_text(head->path, sizeof head->path, value);
  else if (NAMED(":protocol")) copy_text(head->protocol, sizeof head->protocol, value);
#undef NAMED
}

static void inflate(struct http2 *h, struct http2_head *head, uint8_t *block, size_t length) {
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(h->inflater, &field, &flags, block, length, 1);
    if (used < 0) fail("the proxy sent a header block that does not decode: %s", nghttp2_strerror((int)used));
    block += used;
    length -= (size_t)used;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) take_field(head, &field);
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && !length) break;
  }
  nghttp2_hd_inflate_end_headers(h->inflater);
}

static void remote_end(struct http2 *h, struct http2_stream *s) {
  uint32_t id = s->id;
  s->remote_ended = true;
  h->events->on_end(s);
  s = find(h, id);
  if (s) drop_when_done(s);
}

static void on_block(struct http2 *h, uint8_t flags, uint32_t id, uint8_t *block, size_t length) {
  struct http2_head head = {.content_length = -1};
  inflate(h, &head, block, length);
  struct http2_stream *s = find(h, id);
  bool opened = false;
  if (!s) {
    if (h->client) return; /* a stream that was given up */
    s = add(h, id, NULL);
    opened = true;
  }
  bool trailers = !opened && !h->client;
  if (flags & END_STREAM) s->remote_ended = true;
  if (!trailers && (!h->client || head.status >= 200)) h->events->on_head(s, &head);
  s = find(h, id);
  if (s && flags & END_STREAM) remote_end(h, s);
}

static void on_headers(struct http2 *h, uint8_t flags, uint32_t id, uint8_t *p, size_t length) {
  if (flags & PADDED) {
    length -= 1u + p[0];
    p++;
  }
  if (flags & WITH_PRIORITY) {
    p += 5;
    length -= 5;
  }
  if (flags & END_HEADERS) return on_block(h, flags, id, p, length);
  h->block = realloc(h->block, length + 1);
  h->block[0] = flags;
  memcpy(h->block + 1, p, length);
  h->block_length = length;
}

static void on_continuation(struct http2 *h, uint8_t flags, uint32_t id, uint8_t *p, size_t length) {
  h->block = realloc(h->block, 1 + h->block_length + length);
  memcpy(h->block + 1 + h->block_length, p, length);
  h->block_length += length;
  if (flags & END_HEADERS) on_block(h, h->block[0], id, h->block + 1, h->block_length);
}

static void on_data(struct http2 *h, uint8_t flags, uint32_t id, uint8_t *p, size_t length) {
  struct http2_stream *s = find(h, id);
  h->received += (uint32_t)length;
  if (h->received >= CONNECTION_WINDOW / 2) {
    window_update(h, 0, h->received);
    h->received = 0;
  }
  if (!s) return;
  s->received += (uint32_t)length;
  if (s->received >= STREAM_WINDOW / 2 && !(flags & END_STREAM)) {
    window_update(h, id, s->received);
    s->received = 0;
  }
  if (flags & PADDED) {
    length -= 1u + p[0];
    p++;
  }
  if (length) h->events->on_data(s, p, length);
  if (!(flags & END_STREAM)) return;
  s = find(h, id);
  if (s) remote_end(h, s);
}

static void on_setting(struct http2 *h, uint16_t id, uint32_t value) {
  if (id == MAX_CONCURRENT_STREAMS) h->peer_maximum_streams = value;
  if (id == MAX_FRAME_SIZE) h->peer_maximum_frame = value;
  if (id == ENABLE_CONNECT_PROTOCOL) h->peer_connect_protocol = value == 1;
  if (id == HEADER_TABLE_SIZE) nghttp2_hd_deflate_change_table_size(h->deflater, value < 4096 ? value : 4096);
  if (id != INITIAL_WINDOW_SIZE) return;
  for (int i = 0; i < HTTP2_BUCKETS; i++)
    for (struct http2_stream *s = h->buckets[i]; s; s = s->next) s->send_window += (int64_t)value - h->peer_initial_window;
  h->peer_initial_window = value;
}

static void on_settings(struct http2 *h, uint8_t flags, uint8_t *p, size_t length) {
  if (flags & ACK) return;
  for (; length >= 6; p += 6, length -= 6) on_setting(h, (uint16_t)(p[0] << 8 | p[1]), get32(p + 2));
  frame(h, SETTINGS, ACK, 0, 0);
  if (!h->ready && h->events->on_ready) h->events->on_ready(h);
  h->ready = true;
  http2_writable(h);
}

static void on_window_update(struct http2 *h, uint32_t id, uint32_t increment) {
  if (!id) {
    bool blocked = h->send_window <= 0;
    h->send_window += increment;
    if (blocked) http2_writable(h);
    return;
  }
  struct http2_stream *s = find(h, id);
  if (!s) return;
  s->send_window += increment;
  stream_writable(s);
}

static void on_reset(struct http2 *h, uint32_t id, uint32_t code) {
  struct http2_stream *s = find(h, id);
  if (!s) return;
  h->events->on_reset(s, code);
  drop(s);
}

static void on_frame(struct http2 *h, uint8_t type, uint8_t flags, uint32_t id, uint8_t *p, size_t length) {
  switch (type) {
    case DATA: return on_data(h, flags, id, p, length);
    case HEADERS: return on_headers(h, flags, id, p, length);
    case CONTINUATION: return on_continuation(h, flags, id, p, length);
    case SETTINGS: return on_settings(h, flags, p, length);
    case WINDOW_UPDATE: return on_window_update(h, id, get32(p) & 0x7fffffff);
    case RST_STREAM: return on_reset(h, id, get32(p));
    case PING:
      if (!(flags & ACK)) memcpy(frame(h, PING, ACK, 0, 8), p, 8);
      return;
    case GOAWAY:
      if (h->client) fail("the proxy sent GOAWAY with error %u", get32(p + 4));
      return;
    default: return;
  }
}

/* Handles the whole frames of `data` and returns how many bytes they were. */
static size_t parse(struct http2 *h, uint8_t *data, size_t length) {
  size_t at = 0;
  if (!h->preface_seen) {
    if (length < PREFACE_LENGTH) return 0;
    h->preface_seen = true;
    at = PREFACE_LENGTH;
  }
  while (length - at >= 9) {
    uint8_t *p = data + at;
    size_t n = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
    if (n > 16384) fail("the proxy sent a frame of %zu bytes, more than it may", n);
    if (length - at < 9 + n) break;
    on_frame(h, p[3], p[4], get32(p + 5) & 0x7fffffff, p + 9, n);
    if (h->wire->state == WIRE_CLOSED) return length;
    at += 9 + n;
  }
  return at;
}

static void keep_rest(struct http2 *h, const uint8_t *data, size_t length) {
  if (h->in_length + length > h->in_size) {
    h->in_size = h->in_length + length + 32768;
    h->in = realloc(h->in, h->in_size);
  }
  memcpy(h->in + h->in_length, data, length);
  h->in_length += length;
}

/* Bytes that are still missing of the frame that `in` begins; at least 1. */
static size_t missing(const struct http2 *h) {
  size_t whole = !h->preface_seen ? PREFACE_LENGTH : 9;
  if (h->preface_seen && h->in_length >= 9) whole = 9 + ((size_t)h->in[0] << 16 | (size_t)h->in[1] << 8 | h->in[2]);
  return whole > h->in_length ? whole - h->in_length : 1;
}

void http2_receive(struct http2 *h, uint8_t *data, size_t length) {
  while (h->in_length && length) {
    size_t n = missing(h);
    if (n > length) n = length;
    keep_rest(h, data, n);
    data += n;
    length -= n;
    size_t used = parse(h, h->in, h->in_length);
    if (h->wire->state == WIRE_CLOSED) return;
    memmove(h->in, h->in + used, h->in_length - used);
    h->in_length -= used;
  }
  if (!length) return;
  size_t used = parse(h, data, length);
  if (h->wire->state == WIRE_CLOSED) return;
  keep_rest(h, data + used, length - used);
}
