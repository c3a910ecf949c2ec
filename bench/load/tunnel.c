#include "tunnel.h"

void tunnel_write(struct tunnel *t, const void *data, size_t length) {
  if (t->stream) http2_write(t->stream, data, length, false);
  else wire_write(t->wire, data, length);
}

size_t tunnel_write_now(struct tunnel *t, const void *data, size_t length) {
  if (!t->stream) return wire_write_now(t->wire, data, length);
  size_t room = http2_room(t->stream);
  if (room < length) length = room;
  if (length) http2_write(t->stream, data, length, false);
  return length;
}
