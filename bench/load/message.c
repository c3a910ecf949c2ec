#include "message.h"
#include "options.h"
#include "websocket.h"
#include <stdlib.h>
#include <string.h>

static void fill(uint8_t *at, uint32_t frame, int count, bool masked, uint32_t tunnel, int payload) {
  for (int i = 0; i < count; i++, at += frame) {
    uint8_t *p = at + websocket_frame_head(at, (size_t)payload, masked);
    memcpy(p, &tunnel, 4);
    for (int k = 8; k < payload; k++) p[k] = (uint8_t)('!' + ((uint32_t)k + tunnel) % 90);
  }
}

void message_prepare(struct message *m, uint32_t tunnel, int payload, int count) {
  uint8_t head[14];
  uint32_t masked = (uint32_t)websocket_frame_head(head, (size_t)payload, true), frame = masked + (uint32_t)payload;
  if (payload < 8) fail("a message needs at least 8 bytes");
  *m = (struct message){.count = count, .frame = frame, .sent_length = frame * (uint32_t)count, .expected_length = (frame - 4) * (uint32_t)count};
  m->sent = malloc(m->sent_length);
  m->expected = malloc(m->expected_length);
  fill(m->sent, frame, count, true, tunnel, payload);
  fill(m->expected, frame - 4, count, false, tunnel, payload);
}

/* The number stands behind the tunnel's, at the same distance from the frame's end in both directions. */
static void number(uint8_t *at, uint32_t frame, uint32_t head, int count, uint32_t first) {
  for (int i = 0; i < count; i++, at += frame) {
    uint32_t n = first + (uint32_t)i;
    memcpy(at + head + 4, &n, 4);
  }
}

static uint32_t head_of(const uint8_t *frame) { return (frame[1] & 0x7f) < 126 ? 2 : (frame[1] & 0x7f) == 126 ? 4 : 10; }

void message_send(struct message *m, struct tunnel *t) {
  number(m->sent, m->frame, head_of(m->sent) + 4, m->count, m->next_number);
  m->next_number += (uint32_t)m->count;
  tunnel_write(t, m->sent, m->sent_length);
}

int message_receive(struct message *m, const uint8_t *data, size_t length) {
  int whole = 0;
  while (length) {
    if (m->echoed_number == m->next_number) fail("the proxy delivered bytes nobody sent");
    if (!m->matched) number(m->expected, m->frame - 4, head_of(m->expected), m->count, m->echoed_number);
    size_t n = m->expected_length - m->matched;
    if (n > length) n = length;
    if (memcmp(m->expected + m->matched, data, n)) fail("an echo came back changed or in the wrong order");
    m->matched += (uint32_t)n;
    data += n;
    length -= n;
    if (m->matched < m->expected_length) break;
    m->matched = 0;
    m->echoed_number += (uint32_t)m->count;
    whole++;
  }
  return whole;
}
