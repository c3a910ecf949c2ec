/* One direction at full speed: up is counted where it reaches the origin (origin.c), down where it reaches the client. */
#include "bulk.h"
#include "client.h"
#include "jobs.h"
#include "measure.h"
#include "options.h"
#include <stdlib.h>

struct bulk {
  struct client_tunnel client;
  uint64_t at;
};

static struct bulk *all;
static bool up;
static int open_count;

static void on_open(struct tunnel *t) {
  job_opened(++open_count, client_count());
  if (up) bulk_feed(t, &((struct bulk *)t)->at, true);
  if (open_count == client_count()) measure_start();
}

static void on_data(struct tunnel *t, uint8_t *data, size_t length) {
  if (up) fail("the proxy delivered bytes nobody sent");
  bulk_check(&((struct bulk *)t)->at, data, length, false);
  measured_units += length;
}

static void on_writable(struct tunnel *t) {
  if (!up) return;
  bulk_feed(t, &((struct bulk *)t)->at, true);
}

static void on_end(struct tunnel *t) { fail("the proxy ended bulk tunnel %d", ((struct bulk *)t)->client.index); }

static const struct tunnel_events events = {.on_open = on_open, .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

static struct client_tunnel *make(int index) {
  all[index].client.tunnel.events = &events;
  return &all[index].client;
}

static void start(const char *path) {
  all = calloc((size_t)client_count(), sizeof *all);
  client_open_all(make, path);
}

void job_up(void) {
  up = true;
  start("/sink");
}

void job_down(void) { start("/source"); }
