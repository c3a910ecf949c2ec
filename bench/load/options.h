/* What one run of the load generator was asked to do. Filled by main.c, read by everything else. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#define MAXIMUM_PIDS 64

struct options {
  const char *job;      /* echo rate up down setup request idle */
  int proxy_port;       /* where the proxy under test listens */
  const char *origin;   /* Unix socket that lends the origin's listening socket, see hold.h */
  int hold_port;        /* not a run: hold this port and lend it at `origin` */
  bool http2;           /* downstream protocol */
  bool tls;             /* TLS on the downstream leg */
  int connections;      /* downstream connections */
  int streams;          /* streams for each connection, HTTP/2 only */
  int size;             /* WebSocket payload or response body, bytes */
  int burst;            /* messages written together */
  int rate;             /* messages a second over all tunnels, job rate only */
  int warm_ms;          /* load before the measurement begins */
  int measure_ms;       /* length of the measurement */
  pid_t pids[MAXIMUM_PIDS]; /* processes whose CPU time is the result */
  int pid_count;
};

extern struct options options;

/* Prints {"error": ...} for the harness and ends the process: a wrong answer is never a figure. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* Ends a good run: clients close first while the origin still serves, so that no proxy takes it for dead; then the process ends. */
void finish(void);
