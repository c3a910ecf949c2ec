/*
 * Tunnels as short as they get: open, one echo, close, again. On HTTP/1.1 the client just closes. On HTTP/2 it sends a WebSocket Close
 * frame together with END_STREAM: some proxies do not pass END_STREAM on to an HTTP/1.1 origin, all pass the frame.
 */
#include "client.h"
#include "jobs.h"
#include "measure.h"
#include "message.h"
#include "options.h"
#include <stdlib.h>

struct slot {
  struct client_tunnel client;
  struct message message;
  bool echoed;
};

static const uint8_t close_frame[] = {0x88, 0x80, 0, 0, 0, 0};
static struct slot *all;
static int first_round;

static void on_open(struct tunnel *t) {
  struct slot *s = (struct slot *)t;
  s->echoed = false;
  message_send(&s->message, t);
}

static void again(struct slot *s) {
  measured_units++;
  client_open_again(&s->client);
}

static void check_close_frame(const struct slot *s, const uint8_t *data, size_t length) {
  if (length != 2 || data[0] != 0x88 || data[1] != 0) fail("tunnel %d got %zu bytes after its echo that are no Close frame", s->client.index, length);
}

static void on_data(struct tunnel *t, uint8_t *data, size_t length) {
  struct slot *s = (struct slot *)t;
  if (s->echoed) return check_close_frame(s, data, length);
  if (!message_receive(&s->message, data, length)) return;
  s->echoed = true;
  if (s->message.echoed_number == 1) {
    job_opened(++first_round, client_count());
    if (first_round == client_count()) measure_start();
  }
  if (t->stream) http2_write(t->stream, close_frame, sizeof close_frame, true);
  else {
    wire_close(t->wire);
    again(s);
  }
}

/* HTTP/2: the proxy ended its direction too. HTTP/1.1 never comes here, the client closes first. */
static void on_end(struct tunnel *t) {
  struct slot *s = (struct slot *)t;
  if (!s->echoed) fail("the proxy ended tunnel %d before its echo", s->client.index);
  again(s);
}

static const struct tunnel_events events = {.on_open = on_open, .on_data = on_data, .on_end = on_end};

static struct client_tunnel *make(int index) {
  all[index].client.tunnel.events = &events;
  message_prepare(&all[index].message, (uint32_t)index, options.size, 1);
  return &all[index].client;
}

void job_setup(void) {
  all = calloc((size_t)client_count(), sizeof *all);
  client_open_all(make, "/echo");
}
