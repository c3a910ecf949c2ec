#define _GNU_SOURCE
#include "loop.h"
#include "clock.h"
#include "options.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define BATCH 512
#define TIMERS 8

static int epoll_fd;
static struct {
  uint64_t at;
  void (*callback)(void);
} timers[TIMERS];
void (*loop_after_event)(void);
void (*loop_after_batch)(void);

void loop_start(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) fail("epoll_create1: %s", strerror(errno));
}

static void control(int operation, struct source *s, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = s};
  if (epoll_ctl(epoll_fd, operation, s->fd, &e) < 0) fail("epoll_ctl: %s", strerror(errno));
}

void loop_add(struct source *s, uint32_t events) { control(EPOLL_CTL_ADD, s, events); }
void loop_change(struct source *s, uint32_t events) { control(EPOLL_CTL_MOD, s, events); }

void loop_at(uint64_t at, void (*callback)(void)) {
  for (int i = 0; i < TIMERS; i++) {
    if (timers[i].callback) continue;
    timers[i].at = at;
    timers[i].callback = callback;
    return;
  }
  fail("too many timers");
}

void loop_forget_timers(void) { memset(timers, 0, sizeof timers); }

static uint64_t next_timer(void) {
  uint64_t at = UINT64_MAX;
  for (int i = 0; i < TIMERS; i++)
    if (timers[i].callback && timers[i].at < at) at = timers[i].at;
  return at;
}

static void run_timers(void) {
  uint64_t now = now_ns();
  for (int i = 0; i < TIMERS; i++) {
    if (!timers[i].callback || timers[i].at > now) continue;
    void (*callback)(void) = timers[i].callback;
    timers[i].callback = NULL;
    callback();
    loop_after_event();
  }
}

void loop_run(void) {
  struct epoll_event events[BATCH];
  for (;;) {
    uint64_t at = next_timer(), now = now_ns(), wait = at > now ? at - now : 0;
    if (wait > 1000000000ull) wait = 1000000000ull;
    struct timespec timeout = {(time_t)(wait / 1000000000ull), (long)(wait % 1000000000ull)};
    int n = epoll_pwait2(epoll_fd, events, BATCH, &timeout, NULL);
    if (n < 0 && errno != EINTR) fail("epoll_pwait2: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
      struct source *s = events[i].data.ptr;
      s->on_event(s, events[i].events);
      loop_after_event();
    }
    run_timers();
    loop_after_batch();
  }
}
