/* Open loop: messages leave on a fixed schedule over all tunnels in turn; latency counts from the scheduled moment. */
#include "client.h"
#include "clock.h"
#include "jobs.h"
#include "measure.h"
#include "message.h"
#include "options.h"
#include <stdlib.h>

#define IN_FLIGHT 64

struct rated {
  struct client_tunnel client;
  struct message message;
  uint64_t due[IN_FLIGHT];
  unsigned sent, echoed;
};

static struct rated *all;
static int open_count, turn;
static uint64_t next_due;

static void tick(void) {
  uint64_t now = now_ns(), interval = 1000000000ull / (uint64_t)options.rate;
  for (; next_due <= now; next_due += interval) {
    struct rated *r = &all[turn++ % open_count];
    if (r->sent - r->echoed == IN_FLIGHT) fail("the proxy cannot hold %d messages a second", options.rate);
    r->due[r->sent++ % IN_FLIGHT] = next_due;
    message_send(&r->message, &r->client.tunnel);
  }
  loop_at(next_due, tick);
}

static void on_open(struct tunnel *t) {
  (void)t;
  job_opened(++open_count, client_count());
  if (open_count < client_count()) return;
  next_due = now_ns();
  tick();
  measure_start();
}

static void on_data(struct tunnel *t, uint8_t *data, size_t length) {
  struct rated *r = (struct rated *)t;
  uint64_t now = now_ns();
  for (int n = message_receive(&r->message, data, length); n > 0; n--) {
    measure_latency(now - r->due[r->echoed++ % IN_FLIGHT]);
    measured_units++;
  }
}

static void on_end(struct tunnel *t) { fail("the proxy ended tunnel %d", ((struct rated *)t)->client.index); }

static const struct tunnel_events events = {.on_open = on_open, .on_data = on_data, .on_end = on_end};

static struct client_tunnel *make(int index) {
  all[index].client.tunnel.events = &events;
  message_prepare(&all[index].message, (uint32_t)index, options.size, 1);
  return &all[index].client;
}

void job_rate(void) {
  all = calloc((size_t)client_count(), sizeof *all);
  client_open_all(make, "/echo");
}
