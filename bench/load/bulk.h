/* An endless stream of 64 KiB WebSocket frames with known content: one end feeds it, the other checks and counts it. */
#pragma once
#include "tunnel.h"

void bulk_start(void);
/* Sends the next bytes of the stream whose position is *at; client frames are masked. */
void bulk_feed(struct tunnel *, uint64_t *at, bool masked);
/* Compares received bytes with the stream (both ends of each piece, and every length) and moves *at. */
void bulk_check(uint64_t *at, const uint8_t *data, size_t length, bool masked);
