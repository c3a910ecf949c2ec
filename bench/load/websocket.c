#include "websocket.h"
#include "options.h"
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

size_t websocket_frame_head(uint8_t *to, size_t payload, bool masked) {
  size_t n = 2;
  to[0] = 0x82;
  if (payload < 126) to[1] = (uint8_t)payload;
  else if (payload < 65536) {
    to[1] = 126;
    to[2] = (uint8_t)(payload >> 8);
    to[3] = (uint8_t)payload;
    n = 4;
  } else {
    to[1] = 127;
    for (int i = 0; i < 8; i++) to[2 + i] = (uint8_t)((uint64_t)payload >> (56 - 8 * i));
    n = 10;
  }
  if (!masked) return n;
  to[1] |= 0x80;
  memset(to + n, 0, 4);
  return n + 4;
}

void websocket_accept(const char *key, char accept[32]) {
  static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t text[60], digest[SHA_DIGEST_LENGTH];
  memcpy(text, key, 24);
  memcpy(text + 24, suffix, 36);
  SHA1(text, sizeof text, digest);
  EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest);
}

static size_t head_length(const uint8_t *head) {
  unsigned length = head[1] & 0x7f;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

static uint64_t payload_length(const uint8_t *head) {
  unsigned length = head[1] & 0x7f;
  if (length < 126) return length;
  uint64_t long_length = 0;
  for (int i = 0; i < (length == 126 ? 2 : 8); i++) long_length = long_length << 8 | head[2 + i];
  return long_length;
}

static size_t begin_frame(struct websocket_echo *e, uint8_t *out) {
  size_t n = head_length(e->head);
  e->left = payload_length(e->head);
  memcpy(e->mask, e->head + n - 4, 4);
  e->position = 0;
  e->filled = 0;
  e->closing = (e->head[0] & 15) == 8;
  memcpy(out, e->head, n - 4);
  out[1] &= 0x7f;
  return n - 4;
}

static void copy_payload(struct websocket_echo *e, uint8_t *out, const uint8_t *in, size_t n) {
  static const uint8_t none[4];
  if (!memcmp(e->mask, none, 4)) memcpy(out, in, n);
  else
    for (size_t i = 0; i < n; i++) out[i] = in[i] ^ e->mask[(e->position + i) & 3];
  e->position += (unsigned)n;
  e->left -= n;
}

size_t websocket_echo(struct websocket_echo *e, const uint8_t *in, size_t length, uint8_t *out) {
  size_t at = 0, written = 0;
  while (at < length) {
    if (e->left) {
      size_t n = length - at < e->left ? length - at : (size_t)e->left;
      copy_payload(e, out + written, in + at, n);
      at += n;
      written += n;
      continue;
    }
    e->head[e->filled++] = in[at++];
    if (e->filled == 2 && !(e->head[1] & 0x80)) fail("the proxy forwarded an unmasked client frame (first bytes %02x %02x)", e->head[0], e->head[1]);
    if (e->filled > 2 && e->filled == head_length(e->head)) written += begin_frame(e, out + written);
  }
  return written;
}
