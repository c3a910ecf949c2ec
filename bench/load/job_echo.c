/* Closed loop: each tunnel sends a burst, waits for its echo, sends the next. */
#include "client.h"
#include "jobs.h"
#include "measure.h"
#include "message.h"
#include "options.h"
#include <stdlib.h>

struct echo {
  struct client_tunnel client;
  struct message message;
};

static struct echo *all;
static int open_count;

static void on_open(struct tunnel *t) {
  (void)t;
  job_opened(++open_count, client_count());
  if (open_count < client_count()) return;
  for (int i = 0; i < open_count; i++) message_send(&all[i].message, &all[i].client.tunnel);
  measure_start();
}

static void on_data(struct tunnel *t, uint8_t *data, size_t length) {
  struct echo *e = (struct echo *)t;
  if (!message_receive(&e->message, data, length)) return;
  measured_units += (uint64_t)options.burst;
  message_send(&e->message, t);
}

static void on_end(struct tunnel *t) { fail("the proxy ended tunnel %d", ((struct echo *)t)->client.index); }

static const struct tunnel_events events = {.on_open = on_open, .on_data = on_data, .on_end = on_end};

static struct client_tunnel *make(int index) {
  struct echo *e = &all[index];
  e->client.tunnel.events = &events;
  message_prepare(&e->message, (uint32_t)index, options.size, options.burst);
  return &e->client;
}

void job_echo(void) {
  all = calloc((size_t)client_count(), sizeof *all);
  client_open_all(make, "/echo");
}
