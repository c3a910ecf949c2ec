/* What is counted between the begin and the end of a measurement, and the JSON line that ends a run. */
#pragma once
#include <stdint.h>

/* Messages, requests, handshakes or bytes: jobs count up, only the difference matters. */
extern uint64_t measured_units;
/* Latency of one message, nanoseconds; kept only while measuring. */
void measure_latency(uint64_t nanoseconds);
/* The job's load flows: warm up, measure, print, exit. */
void measure_start(void);
