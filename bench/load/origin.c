#define _GNU_SOURCE
#include "origin.h"
#include "bulk.h"
#include "http1.h"
#include "measure.h"
#include "options.h"
#include "websocket.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD_LIMIT 8192
#define BODY_LIMIT (1 << 20)
#define ECHO_SIZE (256 * 1024)

enum role { ECHO, SINK, SOURCE };

struct origin_tunnel {
  struct tunnel tunnel;
  enum role role;
  struct websocket_echo echo;
  uint64_t at;
};

struct connection {
  struct wire *wire;
  struct http2 *http2;
  struct origin_tunnel *tunnel; /* HTTP/1.1 after 101 */
  size_t filled;
  uint8_t head[HEAD_LIMIT];
};

unsigned long origin_events;
static uint8_t echo_buffer[ECHO_SIZE];
static uint8_t *body;

static void tunnel_end(struct origin_tunnel *);

static enum role role_of(const char *path) {
  if (!strncmp(path, "/echo", 5)) return ECHO;
  if (!strncmp(path, "/sink", 5)) return SINK;
  if (!strncmp(path, "/source", 7)) return SOURCE;
  fail("the proxy asked the origin for a WebSocket at a path nobody sent: %.40s", path);
}

static size_t body_size(const char *path) {
  if (strncmp(path, "/body/", 6)) fail("the proxy asked the origin for a path nobody sent: %.40s", path);
  return (size_t)atoi(path + 6) % BODY_LIMIT;
}

static struct origin_tunnel *tunnel_start(struct wire *wire, struct http2_stream *stream, const char *path) {
  struct origin_tunnel *t = calloc(1, sizeof *t);
  t->tunnel.wire = wire;
  t->tunnel.stream = stream;
  t->role = role_of(path);
  return t;
}

static void tunnel_writable(struct origin_tunnel *t) {
  if (t->role == SOURCE) bulk_feed(&t->tunnel, &t->at, false);
}

static void tunnel_data(struct origin_tunnel *t, const uint8_t *data, size_t length) {
  if (t->role == SINK) {
    bulk_check(&t->at, data, length, true);
    measured_units += length;
  }
  if (t->role != ECHO) return;
  while (length) {
    size_t n = length < ECHO_SIZE ? length : ECHO_SIZE, out = websocket_echo(&t->echo, data, n, echo_buffer);
    if (out) tunnel_write(&t->tunnel, echo_buffer, out);
    if (t->echo.closing) return tunnel_end(t);
    data += n;
    length -= n;
  }
}

/* --- HTTP/1.1 --- */

static void answer_upgrade(struct connection *c, const char *path, size_t length) {
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " WEBSOCKET_ACCEPT "\r\n\r\n";
  if (!http1_field_is(c->head, length, "upgrade", "websocket")) fail("the proxy asked the origin to upgrade to something else than websocket");
  size_t key_length;
  const char *key = http1_field(c->head, length, "sec-websocket-key", &key_length);
  if (!key || key_length != 24) fail("the proxy sent an upgrade without Sec-WebSocket-Key");
  if (memcmp(key, WEBSOCKET_KEY, 24)) {
    /* Translated from extended CONNECT: the proxy made the key itself, so the answer must fit it. */
    char text[256], accept[32];
    websocket_accept(key, accept);
    int n = snprintf(text, sizeof text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    wire_write(c->wire, text, (size_t)n);
  } else wire_write(c->wire, answer, sizeof answer - 1);
  c->tunnel = tunnel_start(c->wire, NULL, path);
}

static void answer_body(struct connection *c, const char *path) {
  char head[160];
  size_t size = body_size(path);
  int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: origin\r\nContent-Length: %zu\r\n\r\n", size);
  wire_write(c->wire, head, (size_t)n);
  if (size) wire_write(c->wire, body, size);
}

static void answer_head(struct connection *c, size_t length) {
  size_t unused;
  char *path = memchr(c->head, ' ', length);
  if (!path || memcmp(c->head, "GET ", 4)) fail("the proxy sent the origin an unexpected request: %.40s", c->head);
  path++;
  if (http1_field(c->head, length, "upgrade", &unused)) answer_upgrade(c, path, length);
  else answer_body(c, path);
}

static void http1_data(struct connection *c, uint8_t *data, size_t length) {
  while (length) {
    if (c->tunnel) return tunnel_data(c->tunnel, data, length);
    size_t n = length < HEAD_LIMIT - c->filled ? length : HEAD_LIMIT - c->filled, before = c->filled;
    if (!n) fail("the proxy sent the origin a head over 8 KiB");
    memcpy(c->head + before, data, n);
    c->filled += n;
    size_t head = http1_head_length(c->head, c->filled);
    if (!head) return;
    c->filled = 0;
    answer_head(c, head);
    data += head - before;
    length -= head - before;
    if (c->tunnel && c->tunnel->role == SOURCE) wire_want_drain(c->wire);
  }
}

/* --- HTTP/2 --- */

#define FIELD(n, v) {(uint8_t *)(n), (uint8_t *)(v), sizeof n - 1, sizeof v - 1, 0}

static void on_head(struct http2_stream *s, const struct http2_head *head) {
  static const nghttp2_nv agreed[] = {FIELD(":status", "200"), FIELD("server", "origin")};
  if (!strcmp(head->method, "CONNECT")) {
    if (strcmp(head->protocol, "websocket")) fail("the proxy sent CONNECT without :protocol websocket");
    http2_respond(s, agreed, 2, false);
    struct origin_tunnel *t = tunnel_start(s->connection->wire, s, head->path);
    s->owner = t;
    if (t->role == SOURCE) wire_want_drain(s->connection->wire);
    return;
  }
  if (strcmp(head->method, "GET")) fail("the proxy sent the origin method %s", head->method);
  char number[16];
  size_t size = body_size(head->path);
  int digits = snprintf(number, sizeof number, "%zu", size);
  nghttp2_nv fields[] = {FIELD(":status", "200"), FIELD("content-type", "text/plain"), FIELD("server", "origin"),
                         {(uint8_t *)"content-length", (uint8_t *)number, 14, (size_t)digits, 0}};
  http2_respond(s, fields, 4, !size);
  if (size) http2_write(s, body, size, true);
}

static void on_stream_data(struct http2_stream *s, uint8_t *data, size_t length) {
  if (s->owner) tunnel_data(s->owner, data, length);
}

static void on_stream_end(struct http2_stream *s) {
  if (!s->owner) return;
  http2_write(s, "", 0, true);
  free(s->owner);
  s->owner = NULL;
}

static void on_stream_writable(struct http2_stream *s) {
  if (s->owner) tunnel_writable(s->owner);
}

static void on_stream_reset(struct http2_stream *s, uint32_t code) {
  (void)code;
  if (s->owner) free(s->owner);
}

static const struct http2_events http2_events = {
  .on_head = on_head, .on_data = on_stream_data, .on_end = on_stream_end, .on_writable = on_stream_writable, .on_reset = on_stream_reset,
};

/* --- the connection --- */

static void on_data(struct wire *w, uint8_t *data, size_t length) {
  origin_events++;
  struct connection *c = w->owner;
  if (!c->http2 && !c->tunnel && !c->filled && length >= 4 && !memcmp(data, "PRI ", 4)) c->http2 = http2_create(w, false, &http2_events, c);
  if (c->http2) http2_receive(c->http2, data, length);
  else http1_data(c, data, length);
}

static void on_drain(struct wire *w) {
  struct connection *c = w->owner;
  if (c->http2) http2_writable(c->http2);
  else if (c->tunnel) tunnel_writable(c->tunnel);
}

static void on_lost(struct wire *w) {
  origin_events++;
  struct connection *c = w->owner;
  if (c->http2) {
    for (int i = 0; i < HTTP2_BUCKETS; i++)
      for (struct http2_stream *s = c->http2->buckets[i]; s; s = s->next)
        if (s->owner) free(s->owner);
    http2_free(c->http2);
  }
  if (c->tunnel) free(c->tunnel);
  free(c);
}

/* After the Close frames: the server ends first (RFC 6455 §7.1.1). An HTTP/2 stream goes on until the client ended too. */
static void tunnel_end(struct origin_tunnel *t) {
  if (t->tunnel.stream) return http2_write(t->tunnel.stream, "", 0, true);
  struct connection *c = t->tunnel.wire->owner;
  wire_close(c->wire);
  free(t);
  free(c);
}

static const struct wire_events wire_events = {.on_data = on_data, .on_drain = on_drain, .on_lost = on_lost};

static void on_acceptable(struct source *s, uint32_t events) {
  (void)events;
  for (;;) {
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == EAGAIN) return;
    if (fd < 0) fail("accept at the origin: %s", strerror(errno));
    struct connection *c = calloc(1, sizeof *c);
    c->wire = wire_accepted(fd, &wire_events, c);
  }
}

void origin_serve(int fd) {
  static struct source listener;
  listener.fd = fd;
  listener.on_event = on_acceptable;
  body = malloc(BODY_LIMIT);
  for (int i = 0; i < BODY_LIMIT; i++) body[i] = (uint8_t)('a' + i % 26);
  loop_add(&listener, EPOLLIN);
}
