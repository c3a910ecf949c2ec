/* One burst of WebSocket messages of a tunnel and the echo that has to come back, byte for byte: each carries its tunnel and number. */
#pragma once
#include "tunnel.h"

struct message {
  uint8_t *sent, *expected;
  uint32_t sent_length, expected_length, frame, matched;
  uint32_t next_number, echoed_number;
  int count;
};

void message_prepare(struct message *, uint32_t tunnel, int payload, int count);
void message_send(struct message *, struct tunnel *);
/* Compares what came back and returns how many whole bursts ended in it. */
int message_receive(struct message *, const uint8_t *data, size_t length);
