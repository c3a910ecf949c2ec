/*
 * Opens WebSockets through the proxy: by Upgrade on HTTP/1.1 (one connection each), by extended CONNECT on HTTP/2 (many on a connection).
 * A job embeds `struct client_tunnel` first in its own state.
 */
#pragma once
#include "tunnel.h"

struct client_tunnel {
  struct tunnel tunnel;
  int index;
  const char *path;
  bool open;
  size_t filled;
  uint8_t head[1024];
};

/* Tunnels this run has: connections, times streams on HTTP/2. */
int client_count(void);
/* Opens them all, a few at a time; `make` gives the state with `tunnel.events` set. events->on_open follows for each. */
void client_open_all(struct client_tunnel *(*make)(int index), const char *path);
/* Opens one more in the same state: a new connection on HTTP/1.1, a new stream on the same connection on HTTP/2. */
void client_open_again(struct client_tunnel *);
