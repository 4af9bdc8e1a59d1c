/* Clocks, a heap of timers, and how late things were. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef int64_t ns_t;

static ns_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static ns_t now(void) { return clock_ns(CLOCK_MONOTONIC); }

static void *must(void *memory) {
  if (!memory) {
    perror("memory");
    exit(1);
  }
  return memory;
}

/* ---- timers: a binary heap; each owner has one at most ---- */

typedef struct {
  ns_t at;
  void *owner;
} Timer;

static Timer *timers;
static int timer_count, timer_room;

static void push_timer(void *owner, ns_t at) {
  if (timer_count == timer_room) {
    timer_room = timer_room ? timer_room * 2 : 1024;
    timers = must(realloc(timers, timer_room * sizeof *timers));
  }
  int i = timer_count++;
  for (int parent; i && timers[parent = (i - 1) / 2].at > at; i = parent) timers[i] = timers[parent];
  timers[i] = (Timer){at, owner};
}

static void *pop_timer(void) {
  void *due = timers[0].owner;
  Timer last = timers[--timer_count];
  int i = 0;
  for (int child; (child = 2 * i + 1) < timer_count; i = child) {
    if (child + 1 < timer_count && timers[child + 1].at < timers[child].at) child++;
    if (timers[child].at >= last.at) break;
    timers[i] = timers[child];
  }
  timers[i] = last;
  return due;
}

/* ---- lateness: a histogram of microseconds, so that asking costs the same however much there is ---- */

enum { LATE_BUCKETS = 20000 }; /* the last one holds all that was later */

typedef struct {
  uint32_t counts[LATE_BUCKETS];
  uint64_t n;
  ns_t worst;
} Lateness;

static Lateness answers_late, reads_late;

static void note_late(Lateness *of, ns_t late) {
  if (late < 0) late = 0;
  ns_t us = late / 1000;
  of->counts[us < LATE_BUCKETS ? us : LATE_BUCKETS - 1]++;
  of->n++;
  if (late > of->worst) of->worst = late;
}

static double late_us(const Lateness *of, double quantile) {
  uint64_t rank = (uint64_t)(quantile * of->n), seen = 0;
  if (rank >= of->n) return of->worst / 1e3;
  for (int us = 0; us < LATE_BUCKETS - 1; us++)
    if ((seen += of->counts[us]) > rank) return us + 1;
  return of->worst / 1e3;
}
