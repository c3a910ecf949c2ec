/* The load generator and the origin in one process: main.c reads the arguments, opens files enough, starts both and bounds the run. */
#define _GNU_SOURCE
#include "bulk.h"
#include "clock.h"
#include "hold.h"
#include "jobs.h"
#include "loop.h"
#include "options.h"
#include "origin.h"
#include "wire.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define READY_LIMIT_SECONDS 30
#define CLOSING_NS 120000000ull
#define CLOSING_LOOKS 20

struct options options = {.connections = 1, .streams = 1, .size = 64, .burst = 1, .rate = 10000, .warm_ms = 200, .measure_ms = 1000};

static char progress[96] = "no answer came yet";
static int progress_count, progress_wanted;

static const struct {
  const char *name;
  void (*start)(void);
} jobs[] = {{"echo", job_echo}, {"rate", job_rate}, {"idle", job_idle}, {"up", job_up}, {"down", job_down}, {"setup", job_setup}, {"request", job_request}};

void fail(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *c = text; *c; c++)
    if (*c == '"' || *c == '\\' || (unsigned char)*c < 32) *c = ' ';
  printf("{\"error\":\"%s\"}\n", text);
  fflush(stdout);
  _exit(1);
}

static void end_when_quiet(void) {
  static unsigned long seen;
  static int looks;
  if (++looks > 1 && (seen == origin_events || looks == CLOSING_LOOKS)) _exit(0);
  seen = origin_events;
  loop_at(now_ns() + CLOSING_NS, end_when_quiet);
}

void finish(void) {
  loop_forget_timers();
  wires_close_connected();
  end_when_quiet();
}

void job_opened(int count, int wanted) {
  progress_count = count;
  progress_wanted = wanted;
}

const char *job_progress(void) {
  if (progress_wanted) snprintf(progress, sizeof progress, "%d of %d were served", progress_count, progress_wanted);
  return progress;
}

static void out_of_time(void) {
  if (progress_wanted && progress_count == progress_wanted) return;
  fail("the load did not start flowing within %d s: %s", READY_LIMIT_SECONDS, job_progress());
}

static void allow_files(rlim_t wanted) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < wanted) limit.rlim_max = wanted;
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static int number(const char *text, const char *name) {
  char *end;
  long n = strtol(text, &end, 10);
  if (*end || n < 0 || n > 1000000000) fail("%s is not a number: %s", name, text);
  return (int)n;
}

static void set_option(const char *name, const char *value) {
  const struct {
    const char *name;
    int *field;
  } numbers[] = {{"--proxy-port", &options.proxy_port}, {"--hold-port", &options.hold_port}, {"--connections", &options.connections},
                 {"--streams", &options.streams}, {"--size", &options.size}, {"--burst", &options.burst}, {"--rate", &options.rate},
                 {"--warm-ms", &options.warm_ms}, {"--measure-ms", &options.measure_ms}};
  if (!strcmp(name, "--job")) options.job = value;
  else if (!strcmp(name, "--origin")) options.origin = value;
  else if (!strcmp(name, "--http")) options.http2 = value[0] == '2';
  else if (!strcmp(name, "--tls")) options.tls = value[0] == '1';
  else if (!strcmp(name, "--pid")) {
    if (options.pid_count == MAXIMUM_PIDS) fail("too many processes to measure");
    options.pids[options.pid_count++] = number(value, name);
  } else {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
      if (!strcmp(name, numbers[i].name)) {
        *numbers[i].field = number(value, name);
        return;
      }
    fail("unknown option %s", name);
  }
}

int main(int count, char **arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1ul);
  signal(SIGPIPE, SIG_IGN);
  for (int i = 1; i + 1 < count; i += 2) set_option(arguments[i], arguments[i + 1]);
  if (!options.origin) fail("--origin is missing");
  if (options.hold_port) hold_port(options.hold_port, options.origin);
  allow_files(65536);
  loop_start();
  wires_start();
  bulk_start();
  origin_serve(borrow_listener(options.origin));
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    if (!options.job || strcmp(options.job, jobs[i].name)) continue;
    loop_at(now_ns() + READY_LIMIT_SECONDS * 1000000000ull, out_of_time);
    jobs[i].start();
    loop_after_event();
    loop_run();
  }
  fail("unknown job %s", options.job ? options.job : "(none)");
}
