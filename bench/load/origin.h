/*
 * The origin behind the proxy, HTTP/1.1 or HTTP/2 with prior knowledge on one port. Paths: /echo /sink /source are WebSockets, /body/N
 * answers N bytes. What arrives at /sink is what the job `up` measures.
 */
#pragma once
/* Serves what arrives at a listening socket. */
void origin_serve(int listener);
/* Counts everything that happens at the origin: when it stands still, the proxy is done. */
extern unsigned long origin_events;
