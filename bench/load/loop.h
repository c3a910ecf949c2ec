/* One epoll loop with a handful of timers. Client and origin share it, so both sides live in one process on one core. */
#pragma once
#include <stdint.h>
#include <sys/epoll.h>

struct source {
  int fd;
  void (*on_event)(struct source *, uint32_t events);
};

void loop_start(void);
void loop_add(struct source *, uint32_t events);
void loop_change(struct source *, uint32_t events);
void loop_run(void);

/* Calls `callback` once at `at` (now_ns time). At most 8 at a time. */
void loop_at(uint64_t at, void (*callback)(void));
void loop_forget_timers(void);

/* Hooks: after every event (flush what it wrote), after every batch (free what it closed). */
extern void (*loop_after_event)(void);
extern void (*loop_after_batch)(void);
