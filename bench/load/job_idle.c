/* Opens tunnels, echoes one message on each, says so and holds them until standard input ends: for measuring memory. */
#include "client.h"
#include "jobs.h"
#include "message.h"
#include "options.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct idle {
  struct client_tunnel client;
  struct message message;
};

static struct idle *all;
static int echoed;

static void on_input(struct source *s, uint32_t events) {
  char bytes[64];
  (void)events;
  if (read(s->fd, bytes, sizeof bytes) > 0) return;
  loop_change(s, 0);
  finish();
}

static void on_open(struct tunnel *t) { message_send(&((struct idle *)t)->message, t); }

static void on_data(struct tunnel *t, uint8_t *data, size_t length) {
  if (!message_receive(&((struct idle *)t)->message, data, length)) return;
  job_opened(++echoed, client_count());
  if (echoed < client_count()) return;
  static struct source input = {.fd = 0, .on_event = on_input};
  loop_add(&input, EPOLLIN);
  printf("{\"ready\":true}\n");
  fflush(stdout);
}

static void on_end(struct tunnel *t) { fail("the proxy ended idle tunnel %d", ((struct idle *)t)->client.index); }

static const struct tunnel_events events = {.on_open = on_open, .on_data = on_data, .on_end = on_end};

static struct client_tunnel *make(int index) {
  all[index].client.tunnel.events = &events;
  message_prepare(&all[index].message, (uint32_t)index, options.size, 1);
  return &all[index].client;
}

void job_idle(void) {
  all = calloc((size_t)client_count(), sizeof *all);
  client_open_all(make, "/echo");
}
