/* Plain GET requests, each connection (or stream) sending the next when the whole answer is there. */
#include "http1.h"
#include "http2.h"
#include "jobs.h"
#include "measure.h"
#include "options.h"
#include "tls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exchange {
  struct wire *wire;
  struct http2 *http2;
  bool in_body;
  long left;
  unsigned position;
  size_t filled;
  uint8_t head[1024];
};

static char path[32], request[512];
static int request_length, flowing, wanted;

static void count(struct exchange *e) {
  measured_units++;
  if (flowing >= wanted || e->position == UINT32_MAX) return;
  job_opened(++flowing, wanted);
  if (flowing == wanted) measure_start();
}

static void take_body(struct exchange *e, const uint8_t *data, size_t length) {
  static uint8_t alphabet[26 * 700];
  if (!alphabet[0])
    for (size_t i = 0; i < sizeof alphabet; i++) alphabet[i] = (uint8_t)('a' + i % 26);
  if ((long)length > e->left) fail("the proxy delivered a longer body than the origin sent");
  e->left -= (long)length;
  for (size_t at = 0; at < length;) {
    size_t offset = e->position % 26, n = sizeof alphabet - offset;
    if (n > length - at) n = length - at;
    if (memcmp(alphabet + offset, data + at, n)) fail("a response body came back changed");
    at += n;
    e->position += (unsigned)n;
  }
}

static void check_head(int status, long content_length) {
  if (status != 200) fail("the proxy answered a request with %d", status);
  if (content_length >= 0 && content_length != options.size) fail("the proxy announced %ld bytes of body instead of %d", content_length, options.size);
}

/* --- HTTP/1.1 --- */

static void send_request(struct wire *w) {
  struct exchange *e = w->owner;
  e->in_body = false;
  e->filled = 0;
  e->left = options.size;
  e->position = 0;
  wire_write(w, request, (size_t)request_length);
}

static void on_open(struct wire *w) {
  tls_check_protocol(w->ssl);
  send_request(w);
}

static size_t take_head(struct exchange *e, const uint8_t *data, size_t length) {
  size_t n = sizeof e->head - e->filled, before = e->filled, value;
  if (n > length) n = length;
  memcpy(e->head + before, data, n);
  e->filled += n;
  size_t head = http1_head_length(e->head, e->filled);
  if (!head && e->filled == sizeof e->head) fail("the proxy sent a response head over %zu bytes", sizeof e->head);
  if (!head) return length;
  const char *announced = http1_field(e->head, head, "content-length", &value);
  if (!announced) fail("the proxy dropped Content-Length from a response");
  check_head(http1_status(e->head, head), atol(announced));
  e->in_body = true;
  return head - before;
}

static void on_data(struct wire *w, uint8_t *data, size_t length) {
  struct exchange *e = w->owner;
  if (!e->in_body) {
    size_t used = take_head(e, data, length);
    data += used;
    length -= used;
  }
  if (!e->in_body) return;
  take_body(e, data, length);
  if (e->left) return;
  count(e);
  send_request(w);
}

static void on_lost(struct wire *w) {
  (void)w;
  fail("the proxy closed a kept-alive connection");
}

static const struct wire_events wire_events = {.on_open = on_open, .on_data = on_data, .on_lost = on_lost};

/* --- HTTP/2 --- */

#define FIELD(n, v) {(uint8_t *)(n), (uint8_t *)(v), sizeof n - 1, sizeof v - 1, 0}

static void open_stream(struct http2 *h, struct exchange *e) {
  nghttp2_nv fields[] = {FIELD(":method", "GET"), FIELD(":scheme", "http"), FIELD(":authority", "bench.test"),
                         {(uint8_t *)":path", (uint8_t *)path, 5, strlen(path), 0},
                         FIELD("user-agent", "sluice-bench"), FIELD("accept", "*/*"), FIELD("accept-encoding", "identity")};
  if (options.tls) {
    fields[1].value = (uint8_t *)"https";
    fields[1].valuelen = 5;
  }
  e->in_body = false;
  e->left = options.size;
  e->position = 0;
  e->http2 = h;
  http2_open(h, fields, sizeof fields / sizeof *fields, true, e);
}

static void on_ready(struct http2 *h) {
  struct exchange *all = h->owner;
  for (int i = 0; i < options.streams; i++) open_stream(h, &all[i]);
}

static void on_head(struct http2_stream *s, const struct http2_head *head) {
  struct exchange *e = s->owner;
  check_head(head->status, head->content_length);
  e->in_body = true;
}

static void on_stream_data(struct http2_stream *s, uint8_t *data, size_t length) { take_body(s->owner, data, length); }

static void on_stream_end(struct http2_stream *s) {
  struct exchange *e = s->owner;
  if (!e->in_body || e->left) fail("the proxy ended a response early");
  count(e);
  open_stream(e->http2, e);
}

static void on_stream_reset(struct http2_stream *s, uint32_t code) { fail("the proxy reset stream %u with error %u", s->id, code); }

static const struct http2_events http2_events = {
  .on_ready = on_ready, .on_head = on_head, .on_data = on_stream_data, .on_end = on_stream_end, .on_reset = on_stream_reset,
};

static void on_http2_open(struct wire *w) {
  tls_check_protocol(w->ssl);
  w->owner = http2_create(w, true, &http2_events, w->owner);
}

static void on_http2_data(struct wire *w, uint8_t *data, size_t length) { http2_receive(w->owner, data, length); }

static const struct wire_events http2_wire_events = {.on_open = on_http2_open, .on_data = on_http2_data, .on_lost = on_lost};

void job_request(void) {
  int per_connection = options.http2 ? options.streams : 1;
  wanted = options.connections * per_connection;
  snprintf(path, sizeof path, "/body/%d", options.size);
  request_length = snprintf(request, sizeof request,
                            "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: sluice-bench\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\r\n", path);
  for (int i = 0; i < options.connections; i++) {
    struct exchange *all = calloc((size_t)per_connection, sizeof *all);
    if (options.http2) wire_connect(options.proxy_port, (unsigned)i, tls_client(), &http2_wire_events, all);
    else wire_connect(options.proxy_port, (unsigned)i, tls_client(), &wire_events, all);
  }
}
