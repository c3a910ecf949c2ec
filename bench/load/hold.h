/*
 * Keeps the origin's port listening between runs. A proxy that meets a refused connection after one run may take the origin for dead and
 * answer 502 in the next; so one process per proxy holds the listening socket and lends it to each run over a Unix socket (SCM_RIGHTS).
 */
#pragma once

/* The holder: listens on the port, lends the socket to whoever connects, until it is killed. Says {"ready":true}. */
void hold_port(int port, const char *socket_path);
/* A run: borrows the listening socket. */
int borrow_listener(const char *socket_path);
