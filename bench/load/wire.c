#define _GNU_SOURCE
#include "wire.h"
#include "options.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (256 * 1024)
#define SOURCE_ADDRESSES 16

static uint8_t read_buffer[READ_SIZE];
static struct wire *dirty, *buried, *newest;

static void flush_dirty(void);
static void free_buried(void);
static void on_event(struct source *, uint32_t events);

void wires_start(void) {
  loop_after_event = flush_dirty;
  loop_after_batch = free_buried;
}

static struct wire *create(int fd, const struct wire_events *events, void *owner) {
  struct wire *w = calloc(1, sizeof *w);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  w->source.fd = fd;
  w->source.on_event = on_event;
  w->events = events;
  w->owner = owner;
  return w;
}

static void bind_source(int fd, unsigned nth) {
  int one = 1;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + nth % SOURCE_ADDRESSES)};
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind to a source address: %s", strerror(errno));
}

struct wire *wire_connect(int port, unsigned nth, SSL_CTX *tls, const struct wire_events *events, void *owner) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket: %s", strerror(errno));
  struct wire *w = create(fd, events, owner);
  bind_source(fd, nth);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) fail("connect to the proxy: %s", strerror(errno));
  if (tls) {
    w->ssl = SSL_new(tls);
    SSL_set_fd(w->ssl, fd);
    SSL_set_tlsext_host_name(w->ssl, "bench.test");
    SSL_set_connect_state(w->ssl);
  }
  w->state = WIRE_CONNECTING;
  w->connected_out = true;
  w->older = newest;
  if (newest) newest->newer = w;
  newest = w;
  loop_add(&w->source, EPOLLOUT);
  return w;
}

struct wire *wire_accepted(int fd, const struct wire_events *events, void *owner) {
  struct wire *w = create(fd, events, owner);
  w->state = WIRE_OPEN;
  loop_add(&w->source, EPOLLIN);
  return w;
}

size_t wire_queued(const struct wire *w) { return w->out_end - w->out_start; }

static void mark_dirty(struct wire *w) {
  if (w->dirty) return;
  w->dirty = true;
  w->next = dirty;
  dirty = w;
}

uint8_t *wire_reserve(struct wire *w, size_t length) {
  if (w->out_end + length > w->out_size) {
    size_t queued = wire_queued(w), size = w->out_size ? w->out_size : 256;
    while (size < queued + length) size *= 2;
    uint8_t *bigger = malloc(size);
    if (queued) memcpy(bigger, w->out + w->out_start, queued);
    free(w->out);
    w->out = bigger;
    w->out_size = size;
    w->out_start = 0;
    w->out_end = queued;
  }
  uint8_t *place = w->out + w->out_end;
  w->out_end += length;
  mark_dirty(w);
  return place;
}

void wire_write(struct wire *w, const void *data, size_t length) { memcpy(wire_reserve(w, length), data, length); }

/* Bytes taken, 0 when it would block, -1 on a lost connection (reading finds out and reports it). */
static ssize_t send_some(struct wire *w, const void *data, size_t length) {
  if (w->ssl) {
    ERR_clear_error();
    int n = SSL_write(w->ssl, data, (int)(length > 1 << 20 ? 1 << 20 : length));
    if (n > 0) return n;
    return SSL_get_error(w->ssl, n) == SSL_ERROR_WANT_WRITE || SSL_get_error(w->ssl, n) == SSL_ERROR_WANT_READ ? 0 : -1;
  }
  ssize_t n = send(w->source.fd, data, length, MSG_NOSIGNAL);
  if (n >= 0) return n;
  return errno == EAGAIN ? 0 : -1;
}

static void wait_for_room(struct wire *w, bool wait) {
  if (w->waiting_for_room == wait) return;
  w->waiting_for_room = wait;
  loop_change(&w->source, wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void wire_want_drain(struct wire *w) {
  if (w->state == WIRE_OPEN) wait_for_room(w, true);
}

static void flush(struct wire *w) {
  if (w->state != WIRE_OPEN) return;
  while (w->out_start < w->out_end) {
    ssize_t n = send_some(w, w->out + w->out_start, wire_queued(w));
    if (n < 0) {
      w->out_start = w->out_end = 0;
      return;
    }
    if (n == 0) return wait_for_room(w, true);
    w->out_start += (size_t)n;
  }
  w->out_start = w->out_end = 0;
}

size_t wire_write_now(struct wire *w, const void *data, size_t length) {
  if (w->state != WIRE_OPEN) return 0;
  if (wire_queued(w)) flush(w);
  if (wire_queued(w)) return 0;
  ssize_t n = send_some(w, data, length);
  if (n < 0) return 0;
  if ((size_t)n < length) wait_for_room(w, true);
  return (size_t)n;
}

static void flush_dirty(void) {
  while (dirty) {
    struct wire *w = dirty;
    dirty = w->next;
    w->dirty = false;
    if (w->state == WIRE_CLOSED) {
      w->next = buried;
      buried = w;
    } else flush(w);
  }
}

static void free_buried(void) {
  flush_dirty();
  while (buried) {
    struct wire *w = buried;
    buried = w->next;
    free(w->out);
    free(w);
  }
}

static void forget_connected(struct wire *w) {
  if (!w->connected_out) return;
  if (w->older) w->older->newer = w->newer;
  if (w->newer) w->newer->older = w->older;
  else newest = w->older;
}

void wires_close_connected(void) {
  while (newest) wire_close(newest);
}

static void ignore(struct source *s, uint32_t events) {
  (void)s;
  (void)events;
}

/* Ends both directions; the memory stays until the batch ends because later events of the batch may name it. */
void wire_close(struct wire *w) {
  if (w->state == WIRE_CLOSED) return;
  flush(w);
  forget_connected(w);
  if (w->ssl) {
    if (w->state == WIRE_OPEN) SSL_shutdown(w->ssl);
    SSL_free(w->ssl);
    w->ssl = NULL;
  }
  close(w->source.fd);
  w->state = WIRE_CLOSED;
  w->source.on_event = ignore;
  mark_dirty(w);
}

static void lost(struct wire *w) {
  if (w->state == WIRE_CLOSED) return;
  w->events->on_lost(w);
  wire_close(w);
}

static void read_plain(struct wire *w) {
  ssize_t n = recv(w->source.fd, read_buffer, READ_SIZE, 0);
  if (n > 0) w->events->on_data(w, read_buffer, (size_t)n);
  else if (n == 0 || errno != EAGAIN) lost(w);
}

static void read_tls(struct wire *w) {
  size_t filled = 0;
  for (;;) {
    ERR_clear_error();
    int n = SSL_read(w->ssl, read_buffer + filled, (int)(READ_SIZE - filled));
    int error = SSL_get_error(w->ssl, n); /* before on_data writes: the answer belongs to the last call */
    if (n > 0) filled += (size_t)n;
    if (filled && (n <= 0 || filled > READ_SIZE - 16384)) {
      size_t length = filled;
      filled = 0;
      w->events->on_data(w, read_buffer, length);
      if (w->state != WIRE_OPEN) return;
    }
    if (n > 0) continue;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) lost(w);
    return;
  }
}

static void finish_handshake(struct wire *w) {
  ERR_clear_error();
  int n = SSL_do_handshake(w->ssl);
  if (n == 1) {
    w->state = WIRE_OPEN;
    w->events->on_open(w);
    return;
  }
  int error = SSL_get_error(w->ssl, n);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  fail("TLS handshake with the proxy failed: %s", ERR_error_string(ERR_get_error(), NULL));
}

static void finish_connecting(struct wire *w) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(w->source.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) fail("connect to the proxy: %s", strerror(error));
  loop_change(&w->source, EPOLLIN);
  w->state = w->ssl ? WIRE_HANDSHAKING : WIRE_OPEN;
  if (w->state == WIRE_OPEN) w->events->on_open(w);
}

static void on_event(struct source *s, uint32_t events) {
  struct wire *w = (struct wire *)s;
  if (w->state == WIRE_CONNECTING) finish_connecting(w);
  if (w->state == WIRE_HANDSHAKING) finish_handshake(w);
  if (w->state != WIRE_OPEN) return;
  if (events & EPOLLOUT && w->waiting_for_room) {
    flush(w);
    if (!wire_queued(w)) {
      wait_for_room(w, false);
      if (w->events->on_drain) w->events->on_drain(w);
    }
    if (w->state != WIRE_OPEN) return;
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    if (w->ssl) read_tls(w);
    else read_plain(w);
  }
}
