#include "client.h"
#include "http1.h"
#include "options.h"
#include "tls.h"
#include "websocket.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENING_AT_ONCE 64

static struct client_tunnel **tunnels;
static int begun;
static unsigned connects;

int client_count(void) { return options.connections * (options.http2 ? options.streams : 1); }

static void open_more(void);

static void agreed(struct client_tunnel *t) {
  t->open = true;
  t->tunnel.events->on_open(&t->tunnel);
  open_more();
}

/* --- HTTP/1.1 --- */

static void send_upgrade(struct wire *w) {
  struct client_tunnel *t = w->owner;
  char head[512];
  tls_check_protocol(w->ssl);
  int n = snprintf(head, sizeof head,
                   "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: sluice-bench\r\nAccept: */*\r\nOrigin: http://bench.test\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " WEBSOCKET_KEY "\r\n\r\n",
                   t->path);
  wire_write(w, head, (size_t)n);
}

static void check_upgrade(const struct client_tunnel *t, size_t head) {
  int status = http1_status(t->head, head);
  if (status != 101) fail("the proxy answered the upgrade with %d instead of 101", status);
  if (!http1_field_is(t->head, head, "upgrade", "websocket")) fail("the proxy's 101 lacks Upgrade: websocket");
  if (!http1_field_is(t->head, head, "sec-websocket-accept", WEBSOCKET_ACCEPT)) fail("the proxy's 101 carries a wrong Sec-WebSocket-Accept");
}

static void on_wire_data(struct wire *w, uint8_t *data, size_t length) {
  struct client_tunnel *t = w->owner;
  if (t->open) return t->tunnel.events->on_data(&t->tunnel, data, length);
  size_t n = sizeof t->head - t->filled, before = t->filled;
  if (n > length) n = length;
  memcpy(t->head + before, data, n);
  t->filled += n;
  size_t head = http1_head_length(t->head, t->filled);
  if (!head && t->filled == sizeof t->head) fail("the proxy's answer to the upgrade has a head over %zu bytes", sizeof t->head);
  if (!head) return;
  check_upgrade(t, head);
  agreed(t);
  size_t used = head - before;
  if (length > used && w->state == WIRE_OPEN) t->tunnel.events->on_data(&t->tunnel, data + used, length - used);
}

static void on_wire_drain(struct wire *w) {
  struct client_tunnel *t = w->owner;
  if (t->open && t->tunnel.events->on_writable) t->tunnel.events->on_writable(&t->tunnel);
}

static void on_wire_lost(struct wire *w) {
  struct client_tunnel *t = w->owner;
  if (!t->open) fail("the proxy closed connection %d before it answered the upgrade (%zu bytes came)", t->index, t->filled);
  t->tunnel.events->on_end(&t->tunnel);
}

static const struct wire_events wire_events = {.on_open = send_upgrade, .on_data = on_wire_data, .on_drain = on_wire_drain, .on_lost = on_wire_lost};

static void open_http1(struct client_tunnel *t) {
  t->open = false;
  t->filled = 0;
  t->tunnel.wire = wire_connect(options.proxy_port, connects++, tls_client(), &wire_events, t);
}

/* --- HTTP/2 --- */

#define FIELD(n, v) {(uint8_t *)(n), (uint8_t *)(v), sizeof n - 1, sizeof v - 1, 0}

static void open_http2(struct client_tunnel *t, struct http2 *h) {
  nghttp2_nv fields[] = {FIELD(":method", "CONNECT"), FIELD(":protocol", "websocket"), FIELD(":scheme", "http"), FIELD(":authority", "bench.test"),
                         {(uint8_t *)":path", (uint8_t *)t->path, 5, strlen(t->path), 0},
                         FIELD("user-agent", "sluice-bench"), FIELD("accept", "*/*"), FIELD("origin", "http://bench.test"), FIELD("sec-websocket-version", "13")};
  if (options.tls) {
    fields[2].value = (uint8_t *)"https";
    fields[2].valuelen = 5;
  }
  t->open = false;
  t->tunnel.wire = h->wire;
  t->tunnel.stream = http2_open(h, fields, sizeof fields / sizeof *fields, false, t);
}

static void on_ready(struct http2 *h) {
  int connection = (int)(intptr_t)h->owner;
  if (!h->peer_connect_protocol) fail("the proxy does not offer extended CONNECT (RFC 8441) in its SETTINGS");
  if (h->peer_maximum_streams < (uint32_t)options.streams) fail("the proxy allows only %u streams", h->peer_maximum_streams);
  for (int i = 0; i < options.streams; i++) open_http2(tunnels[connection * options.streams + i], h);
}

static void on_head(struct http2_stream *s, const struct http2_head *head) {
  if (head->status != 200) fail("the proxy answered extended CONNECT with %d", head->status);
  agreed(s->owner);
}

static void on_stream_data(struct http2_stream *s, uint8_t *data, size_t length) {
  struct client_tunnel *t = s->owner;
  if (!t->open) fail("the proxy sent DATA before it answered extended CONNECT");
  t->tunnel.events->on_data(&t->tunnel, data, length);
}

static void on_stream_end(struct http2_stream *s) {
  struct client_tunnel *t = s->owner;
  t->tunnel.events->on_end(&t->tunnel);
}

static void on_stream_writable(struct http2_stream *s) {
  struct client_tunnel *t = s->owner;
  if (t->open && t->tunnel.events->on_writable) t->tunnel.events->on_writable(&t->tunnel);
}

static void on_stream_reset(struct http2_stream *s, uint32_t code) { fail("the proxy reset stream %u with error %u", s->id, code); }

static const struct http2_events http2_events = {
  .on_ready = on_ready, .on_head = on_head, .on_data = on_stream_data, .on_end = on_stream_end, .on_writable = on_stream_writable, .on_reset = on_stream_reset,
};

static void on_http2_open(struct wire *w) {
  tls_check_protocol(w->ssl);
  w->owner = http2_create(w, true, &http2_events, w->owner);
}

static void on_http2_data(struct wire *w, uint8_t *data, size_t length) { http2_receive(w->owner, data, length); }
static void on_http2_drain(struct wire *w) { http2_writable(w->owner); }

static void on_http2_lost(struct wire *w) {
  (void)w;
  fail("the proxy closed an HTTP/2 connection");
}

static const struct wire_events http2_wire_events = {.on_open = on_http2_open, .on_data = on_http2_data, .on_drain = on_http2_drain, .on_lost = on_http2_lost};

/* --- both --- */

static int opened(void) {
  static int first_closed;
  while (first_closed < begun && tunnels[first_closed]->open) first_closed++;
  return first_closed;
}

static void open_more(void) {
  if (options.http2) return;
  while (begun < client_count() && begun - opened() < OPENING_AT_ONCE) open_http1(tunnels[begun++]);
}

void client_open_all(struct client_tunnel *(*make)(int index), const char *path) {
  tunnels = calloc((size_t)client_count(), sizeof *tunnels);
  for (int i = 0; i < client_count(); i++) {
    tunnels[i] = make(i);
    tunnels[i]->index = i;
    tunnels[i]->path = path;
  }
  open_more();
  if (options.http2)
    for (int i = 0; i < options.connections; i++) wire_connect(options.proxy_port, (unsigned)i, tls_client(), &http2_wire_events, (void *)(intptr_t)i);
}

void client_open_again(struct client_tunnel *t) {
  if (options.http2) open_http2(t, t->tunnel.stream->connection);
  else open_http1(t);
}
