#define _GNU_SOURCE
#include "measure.h"
#include "clock.h"
#include "loop.h"
#include "options.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LATENCIES (1 << 20)

struct snapshot {
  uint64_t at, units, load_ns, proxy_ns, proxy_ticks;
};

uint64_t measured_units;
static struct snapshot before;
static bool measuring;
static uint32_t latencies[LATENCIES];
static int latency_count;

static uint64_t first_number(const char *path) {
  char text[64] = "";
  FILE *f = fopen(path, "r");
  if (!f) return 0;
  if (!fgets(text, sizeof text, f)) text[0] = 0;
  fclose(f);
  return strtoull(text, NULL, 10);
}

/* Run time of every live thread of a process: schedstat counts nanoseconds where stat counts ticks. */
static uint64_t run_time(pid_t pid) {
  char path[320];
  uint64_t sum = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (!tasks) fail("process %d of the proxy is gone", pid);
  for (struct dirent *e; (e = readdir(tasks));) {
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, e->d_name);
    sum += first_number(path);
  }
  closedir(tasks);
  return sum;
}

/* utime + stime of a process, its ended threads included: the coarse cross-check of run_time. */
static uint64_t stat_ticks(pid_t pid) {
  char path[64], text[1024] = "";
  unsigned long user = 0, system = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *f = fopen(path, "r");
  if (!f) return 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = 0;
  char *p = strrchr(text, ')');
  if (p) sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return user + system;
}

static struct snapshot take(void) {
  struct timespec cpu;
  struct snapshot s = {.units = measured_units};
  for (int i = 0; i < options.pid_count; i++) {
    s.proxy_ns += run_time(options.pids[i]);
    s.proxy_ticks += stat_ticks(options.pids[i]);
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  s.load_ns = (uint64_t)cpu.tv_sec * 1000000000ull + (uint64_t)cpu.tv_nsec;
  s.at = now_ns();
  return s;
}

void measure_latency(uint64_t nanoseconds) {
  if (!measuring || latency_count == LATENCIES) return;
  latencies[latency_count++] = nanoseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)nanoseconds;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double microseconds_at(double share) { return latencies[(int)((latency_count - 1) * share)] / 1e3; }

static void end(void) {
  struct snapshot after = take();
  if (after.units == before.units) fail("nothing came through the proxy during the measurement");
  printf("{\"units\":%llu,\"wallNs\":%llu,\"proxyNs\":%llu,\"proxyTickNs\":%llu,\"loadNs\":%llu", (unsigned long long)(after.units - before.units),
         (unsigned long long)(after.at - before.at), (unsigned long long)(after.proxy_ns - before.proxy_ns),
         (unsigned long long)((after.proxy_ticks - before.proxy_ticks) * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK))),
         (unsigned long long)(after.load_ns - before.load_ns));
  if (latency_count) {
    qsort(latencies, (size_t)latency_count, sizeof *latencies, ascending);
    printf(",\"p50Us\":%.1f,\"p99Us\":%.1f", microseconds_at(0.5), microseconds_at(0.99));
  }
  printf("}\n");
  fflush(stdout);
  finish();
}

static void begin(void) {
  loop_at(now_ns() + (uint64_t)options.measure_ms * 1000000ull, end);
  measuring = true;
  before = take();
}

void measure_start(void) { loop_at(now_ns() + (uint64_t)options.warm_ms * 1000000ull, begin); }
