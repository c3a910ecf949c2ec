#include "bulk.h"
#include "options.h"
#include "websocket.h"
#include <stdlib.h>
#include <string.h>

#define PAYLOAD 65536
#define PERIODS 5
#define SAMPLE 64

static struct {
  uint8_t *bytes;
  size_t period;
} streams[2];

static void prepare(bool masked) {
  uint8_t head[14];
  size_t n = websocket_frame_head(head, PAYLOAD, masked), period = n + PAYLOAD;
  streams[masked].period = period;
  uint8_t *p = streams[masked].bytes = malloc(period * PERIODS);
  for (int i = 0; i < PERIODS; i++, p += period) {
    memcpy(p, head, n);
    for (size_t k = 0; k < PAYLOAD; k++) p[n + k] = (uint8_t)(k * 31 + (k >> 8));
  }
}

void bulk_start(void) {
  prepare(false);
  prepare(true);
}

void bulk_feed(struct tunnel *t, uint64_t *at, bool masked) {
  size_t period = streams[masked].period, offset = (size_t)(*at % period);
  size_t sent = tunnel_write_now(t, streams[masked].bytes + offset, period * (PERIODS - 1) - offset);
  *at += sent;
  if (sent) wire_want_drain(t->wire);
}

static void check_sample(const uint8_t *expected, const uint8_t *data, size_t length) {
  if (memcmp(expected, data, length)) fail("bulk bytes came out of the proxy changed");
}

void bulk_check(uint64_t *at, const uint8_t *data, size_t length, bool masked) {
  size_t period = streams[masked].period;
  while (length) {
    size_t offset = (size_t)(*at % period), n = period * PERIODS - offset;
    if (n > length) n = length;
    const uint8_t *expected = streams[masked].bytes + offset;
    size_t sample = n < SAMPLE ? n : SAMPLE;
    check_sample(expected, data, sample);
    check_sample(expected + n - sample, data + n - sample, sample);
    *at += n;
    data += n;
    length -= n;
  }
}
