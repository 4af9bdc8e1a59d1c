/* What is written down of each request. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "timing.h"

enum {
  MOST_CHUNKS = 256,
  LOG_ROWS = 1 << 20, /* then the oldest give way */
  LOG_CHUNKS = 1 << 22,
};

typedef enum { UNKNOWN, CHAT, STREAM, EMBEDDINGS, WRITE, LOG, STATS, RESET } Kind;
static const char *const KIND_NAMES[] = {"unknown", "chat",  "stream", "embeddings",
                                         "write",   "log",   "stats",  "reset"};

typedef struct {
  Kind kind;
  bool keep, usage, base64, clear;
  int chunks, sent;
  ns_t delay, chunk_delay;
  ns_t arrived, read_late, late, unsure;
  ns_t sent_at[MOST_CHUNKS];
  long long id, from, limit;
} Request;

typedef struct {
  long long id;
  Kind kind;
  int chunks;
  uint64_t first_chunk;
  ns_t arrived, read_late, first_sent, last_sent, late, unsure;
} Row;

static Row *rows;
static ns_t *chunk_times;
static uint64_t rows_written, chunks_written;

static void note_row(const Request *r) {
  Row *row = &rows[rows_written++ % LOG_ROWS];
  int chunks = r->kind == STREAM ? r->sent : 1;
  *row = (Row){.id = r->id,
               .kind = r->kind,
               .chunks = chunks,
               .first_chunk = chunks_written,
               .arrived = r->arrived,
               .read_late = r->read_late,
               .first_sent = r->sent_at[0],
               .last_sent = r->sent_at[chunks - 1],
               .late = r->late,
               .unsure = r->unsure};
  if (r->kind != STREAM) return;
  for (int i = 0; i < chunks; i++) chunk_times[chunks_written++ % LOG_CHUNKS] = r->sent_at[i];
}

static size_t line_room(uint64_t i) { return 256 + 24 * (size_t)rows[i % LOG_ROWS].chunks; }

static int write_line(char *out, uint64_t i) {
  const Row *row = &rows[i % LOG_ROWS];
  int n = sprintf(out, "%llu,%lld,%s,%lld,%lld,%lld,%lld,%lld,%lld,", (unsigned long long)i,
               row->id, KIND_NAMES[row->kind], (long long)row->arrived, (long long)row->read_late,
               (long long)row->first_sent, (long long)row->last_sent, (long long)row->late,
               (long long)row->unsure);
  bool kept = row->kind == STREAM && row->first_chunk + LOG_CHUNKS >= chunks_written;
  for (int k = 0; kept && k < row->chunks; k++) {
    ns_t at = chunk_times[(row->first_chunk + k) % LOG_CHUNKS];
    n += sprintf(out + n, k ? " %lld" : "%lld", (long long)(at - row->first_sent));
  }
  out[n++] = '\n';
  return n;
}
