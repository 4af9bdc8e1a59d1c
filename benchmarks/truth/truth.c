/*
 * The truth server: an OpenAI-compatible API that knows, to the microsecond, what it did.
 *
 *   truth PORT        (loopback only; run it with real-time priority on a core of its own)
 *
 * A client's error is what it reports less what is in this server's log. One thread, epoll, a heap
 * of nanosecond timers. A request counts as arrived when the kernel stamped its last packet, so a
 * late turn of ours lengthens nothing; how late each read and each answer was is in /stats, and a
 * run in which these are bad is worth nothing.
 *
 * A path prefix says how a request is answered: /d<us>c<us>n<chunks>i<id>/v1/...
 *   d  delay of the first byte    c  delay between two chunks of a stream
 *   n  content chunks             i  id in the log; else the digits after "truth-" in the model's
 *                                    name, else a running number. It comes back in x-request-id.
 *
 *   POST …/chat/completions   JSON, or events when the body says "stream": true
 *   POST …/embeddings         1,536 floats, as numbers or base64
 *   POST /api/v2/write        204
 *   GET  /log?from=N&limit=M  CSV of finished requests, oldest first, from index N on:
 *        index,id,kind,arrived,read_late,first_sent,last_sent,late,unsure,chunks
 *        CLOCK_MONOTONIC and durations in ns. unsure: the longest that one send took, so the bytes
 *        may have left that much after the time that is told; chunks: offsets from the first
 *   GET  /stats[?clear]       counts, percentiles of lateness in us, CPU time
 *   GET  /reset               forget the log, the numbers and the statistics
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bodies.h"
#include "log.h"
#include "timing.h"

enum {
  IN_BYTES = 1 << 17,       /* the largest request */
  OUT_BYTES = 1 << 18,      /* the largest answer: a page of the log */
  PAGE_ROWS = 500,          /* so that writing a page takes less than a millisecond */
  EVENTS = 64,
};

typedef struct {
  int fd;
  bool closed, armed, closing;
  size_t in_bytes, out_bytes, out_from;
  ns_t stamp; /* of the newest packet read, on CLOCK_MONOTONIC */
  char *in, *out; /* out: what the kernel has not taken yet */
  Request request;
} Connection;

static uint64_t accepted;
static long long last_id;
static int epoll_fd;

static void arm(Connection *c, ns_t at) {
  push_timer(c, at);
  c->armed = true;
}

/* ---- sending ---- */

static void watch(Connection *c, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(epoll_fd, operation, c->fd, &event);
}

static void close_connection(Connection *c) {
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  c->closed = true;
  if (c->armed) return; /* its timer frees it */
  free(c->in);
  free(c->out);
  free(c);
}

/* Send what is waiting. What the kernel does not take now goes when it can: we never wait. */
static void flush(Connection *c) {
  while (c->out_from < c->out_bytes) {
    ssize_t n = send(c->fd, c->out + c->out_from, c->out_bytes - c->out_from, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      watch(c, EPOLLIN | EPOLLOUT | EPOLLRDHUP, EPOLL_CTL_MOD);
      return;
    }
    if (n < 0) break; /* gone: the read side will say so */
    c->out_from += n;
  }
  c->out_from = c->out_bytes = 0;
  if (c->closing) shutdown(c->fd, SHUT_WR);
}

static void write_bytes(Connection *c, const char *bytes, size_t size) {
  ssize_t n = 0;
  if (!c->out_bytes) n = send(c->fd, bytes, size, MSG_NOSIGNAL);
  if (n < 0) n = 0;
  if ((size_t)n == size) return;
  if (!c->out) c->out = must(malloc(OUT_BYTES));
  if (c->out_bytes + size - n > OUT_BYTES) return; /* nobody reads: the client is the broken one */
  memcpy(c->out + c->out_bytes, bytes + n, size - n);
  c->out_bytes += size - n;
  flush(c);
}

/* The core may be taken away between the clock and the send, by a hypervisor for one. */
static void note_unsure(Request *r) {
  ns_t took = now() - r->sent_at[r->sent];
  if (took > r->unsure) r->unsure = took;
}

static void finish(Connection *c) {
  if (c->request.keep) return;
  c->closing = true;
  if (!c->out_bytes) shutdown(c->fd, SHUT_WR);
}

/* ---- answers ---- */

static int head(char *out, const Request *r, const char *status, const char *type, int body_bytes) {
  int n = sprintf(out, "HTTP/1.1 %s\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: %s\r\n",
                  status, r->keep ? "keep-alive" : "close");
  if (type) n += sprintf(out + n, "Content-Type: %s\r\n", type);
  if (r->kind == CHAT || r->kind == STREAM || r->kind == EMBEDDINGS)
    n += sprintf(out + n, "%sx-request-id: req_%032lld\r\n", LIMITS, r->id);
  if (body_bytes < 0) return n + sprintf(out + n, "Transfer-Encoding: chunked\r\n\r\n");
  return n + sprintf(out + n, "Content-Length: %d\r\n\r\n", body_bytes);
}

static void answer(Connection *c, const char *status, const char *type, const char *body, int size) {
  static char out[OUT_BYTES];
  int n = head(out, &c->request, status, type, size);
  memcpy(out + n, body, size);
  write_bytes(c, out, n + size);
  finish(c);
}

static int transfer_chunk(char *out, const char *payload, int size) {
  int n = sprintf(out, "%x\r\n", size);
  memcpy(out + n, payload, size);
  memcpy(out + n + size, "\r\n", 2);
  return n + size + 2;
}

static int event(char *out, ns_t at, const char *delta, const char *finish_reason) {
  char payload[1024];
  int n = sprintf(payload,
                  "data: %s\"system_fingerprint\":\"fp_%020lld\",\"choices\":[{\"index\":0,"
                  "\"delta\":%s,\"logprobs\":null,\"finish_reason\":%s}],\"usage\":null}\n\n",
                  CHUNK_HEAD, (long long)at, delta, finish_reason);
  return transfer_chunk(out, payload, n);
}

static int stream_end(char *out, const Request *r, ns_t at) {
  char payload[1024];
  int n = event(out, at, "{}", "\"stop\"");
  if (r->usage) {
    int size = sprintf(payload,
                       "data: %s\"choices\":[],\"usage\":{\"prompt_tokens\":8,"
                       "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
                       CHUNK_HEAD, r->chunks, r->chunks + 8);
    n += transfer_chunk(out + n, payload, size);
  }
  n += transfer_chunk(out + n, "data: [DONE]\n\n", 14);
  return n + sprintf(out + n, "0\r\n\r\n");
}

/* Chunks are due on a grid from the first one on, so a late one does not push the others. */
static void send_chunk(Connection *c) {
  static char out[8192];
  Request *r = &c->request;
  ns_t at = r->sent_at[r->sent] = now();
  bool first = r->sent == 0, last = r->sent + 1 >= r->chunks;
  ns_t due = first ? r->arrived + r->delay : r->sent_at[0] + r->sent * r->chunk_delay;
  note_late(&answers_late, at - due);
  if (first) r->late = at - due;
  int n = first ? head(out, r, "200 OK", "text/event-stream; charset=utf-8", -1) : 0;
  n += event(out + n, at, first ? "{\"role\":\"assistant\",\"content\":\"tok\",\"refusal\":null}"
                                : "{\"content\":\" tok\"}", "null");
  if (last) n += stream_end(out + n, r, at);
  write_bytes(c, out, n);
  note_unsure(r);
  r->sent++;
  if (!last) return arm(c, r->sent_at[0] + r->sent * r->chunk_delay);
  note_row(r);
  finish(c);
}

static void send_whole(Connection *c, const char *body, int size) {
  Request *r = &c->request;
  r->sent_at[0] = now();
  r->late = r->sent_at[0] - r->arrived - r->delay;
  note_late(&answers_late, r->late);
  answer(c, "200 OK", "application/json", body, size);
  note_unsure(r);
  note_row(r);
}

static void send_log(Connection *c) {
  static char body[OUT_BYTES - 4096];
  const Request *r = &c->request;
  uint64_t oldest = rows_written > LOG_ROWS ? rows_written - LOG_ROWS : 0;
  uint64_t from = (uint64_t)r->from > oldest ? (uint64_t)r->from : oldest;
  long long limit = r->limit > 0 && r->limit < PAGE_ROWS ? r->limit : PAGE_ROWS;
  size_t n = 0;
  for (uint64_t i = from; i < rows_written && i < from + limit; i++) {
    if (n + line_room(i) > sizeof body) break;
    n += write_line(body + n, i);
  }
  answer(c, "200 OK", "text/csv", body, n);
}

static void send_stats(Connection *c) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu_s = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
                 (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  char body[512];
  int n = sprintf(body,
                  "{\"rows\":%llu,\"accepted\":%llu,\"answers\":%llu,\"cpu_s\":%.6f,"
                  "\"late_us_p50\":%.1f,\"late_us_p99\":%.1f,\"late_us_max\":%.1f,"
                  "\"read_late_us_p50\":%.1f,\"read_late_us_p99\":%.1f,\"read_late_us_max\":%.1f}",
                  (unsigned long long)rows_written, (unsigned long long)accepted,
                  (unsigned long long)answers_late.n, cpu_s, late_us(&answers_late, 0.5),
                  late_us(&answers_late, 0.99), answers_late.worst / 1e3,
                  late_us(&reads_late, 0.5), late_us(&reads_late, 0.99), reads_late.worst / 1e3);
  if (c->request.clear) answers_late = reads_late = (Lateness){0};
  answer(c, "200 OK", "application/json", body, n);
}

static void reset(void) {
  rows_written = chunks_written = accepted = 0;
  last_id = 0;
  answers_late = reads_late = (Lateness){0};
}

static void reply(Connection *c) {
  Request *r = &c->request;
  switch (r->kind) {
    case CHAT: return send_whole(c, CHAT_BODY, sizeof CHAT_BODY - 1);
    case STREAM: return send_chunk(c);
    case EMBEDDINGS:
      if (r->base64) return send_whole(c, embedding_base64, embedding_base64_bytes);
      return send_whole(c, embedding_floats, embedding_floats_bytes);
    case WRITE: return answer(c, "204 No Content", NULL, "", 0);
    case LOG: return send_log(c);
    case STATS: return send_stats(c);
    case RESET: reset(); return answer(c, "200 OK", NULL, "", 0);
    case UNKNOWN: return answer(c, "404 Not Found", "application/json", "{}", 2);
  }
}

/* ---- requests ---- */

/* Read /d<us>c<us>n<chunks>i<id>/ and return the path behind it. */
static const char *read_prefix(Request *r, const char *path) {
  if (path[0] != '/' || path[1] != 'd' || path[2] < '0' || path[2] > '9') return path;
  const char *at = path + 1;
  while (*at && *at != '/') {
    char key = *at++, *end;
    long long value = strtoll(at, &end, 10);
    if (end == at) break;
    at = end;
    if (key == 'd') r->delay = value * 1000;
    if (key == 'c') r->chunk_delay = value * 1000;
    if (key == 'n') r->chunks = value < 1 ? 1 : value > MOST_CHUNKS ? MOST_CHUNKS : (int)value;
    if (key == 'i') r->id = value;
  }
  return at;
}

static long long query_number(const char *path, const char *name) {
  const char *found = strstr(path, name);
  return found ? atoll(found + strlen(name)) : 0;
}

static Kind kind_of(const char *path, const char *body) {
  if (strstr(path, "/chat/completions"))
    return strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true") ? STREAM : CHAT;
  if (strstr(path, "/embeddings")) return EMBEDDINGS;
  if (strstr(path, "/api/v2/write")) return WRITE;
  if (!strncmp(path, "/log", 4)) return LOG;
  if (!strncmp(path, "/stats", 6)) return STATS;
  if (!strncmp(path, "/reset", 6)) return RESET;
  return UNKNOWN;
}

static void read_request(Request *r, char *request_head, char *body) {
  r->keep = !strcasestr(request_head, "\nconnection: close");
  char *path = strchr(request_head, ' ');
  path = path ? path + 1 : request_head;
  path[strcspn(path, " \r\n")] = 0;
  const char *rest = read_prefix(r, path);
  r->kind = kind_of(rest, body);
  r->usage = strstr(body, "include_usage") != NULL;
  r->base64 = strstr(body, "base64") != NULL;
  r->clear = strstr(rest, "?clear") != NULL;
  r->from = query_number(rest, "from=");
  r->limit = query_number(rest, "limit=");
  const char *named = r->id < 0 ? strstr(body, "\"truth-") : NULL;
  if (named && named[7] >= '0' && named[7] <= '9') r->id = atoll(named + 7);
}

/* Return the length of the whole first request in the buffer, 0 while it is not here. */
static size_t request_bytes(Connection *c, size_t *head_bytes) {
  char *end = memmem(c->in, c->in_bytes, "\r\n\r\n", 4);
  if (!end) return 0;
  *head_bytes = end - c->in + 4;
  *end = 0;
  char *length = strcasestr(c->in, "\ncontent-length:");
  bool chunked = !length && strcasestr(c->in, "\ntransfer-encoding: chunked");
  bool asks = strcasestr(c->in, "100-continue") != NULL;
  *end = '\r';
  size_t whole = *head_bytes + (length ? (size_t)atoll(length + 16) : 0);
  if (chunked) {
    char *last = memmem(end, c->in + c->in_bytes - end, "0\r\n\r\n", 5);
    whole = last ? (size_t)(last - c->in) + 5 : c->in_bytes + 1;
  }
  if (whole <= c->in_bytes) return whole;
  if (asks && c->in_bytes == *head_bytes) write_bytes(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  return 0;
}

static void take_request(Connection *c) {
  size_t head_bytes = 0, whole = request_bytes(c, &head_bytes);
  if (!whole) return;
  Request *r = &c->request;
  *r = (Request){.chunks = 1, .id = -1, .arrived = c->stamp};
  r->read_late = now() - r->arrived;
  char behind = c->in[whole];
  c->in[head_bytes - 4] = c->in[whole] = 0;
  read_request(r, c->in, c->in + head_bytes);
  c->in[whole] = behind;
  memmove(c->in, c->in + whole, c->in_bytes -= whole);
  if (r->kind == CHAT || r->kind == STREAM || r->kind == EMBEDDINGS) {
    note_late(&reads_late, r->read_late);
    if (r->id < 0) r->id = last_id++;
  }
  if (r->delay) return arm(c, r->arrived + r->delay);
  reply(c);
}

/* The kernel's stamp is wall time; both clocks are read now, so a step between is no matter. */
static ns_t monotonic_stamp(struct msghdr *message) {
  ns_t at = now();
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_TIMESTAMPNS)
    return at;
  struct timespec stamp;
  memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
  ns_t ago = clock_ns(CLOCK_REALTIME) - (stamp.tv_sec * 1000000000LL + stamp.tv_nsec);
  return ago >= 0 && ago < 1000000000LL ? at - ago : at;
}

/* Read all there is. Returns false when the connection has ended. */
static bool read_all(Connection *c) {
  char control[128];
  for (;;) {
    struct iovec space = {c->in + c->in_bytes, IN_BYTES - c->in_bytes};
    struct msghdr message = {.msg_iov = &space,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (!space.iov_len) return false; /* more than a request may be */
    ssize_t n = recvmsg(c->fd, &message, 0);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    c->in_bytes += n;
    c->stamp = monotonic_stamp(&message);
  }
}

static void serve(Connection *c, uint32_t events) {
  if (events & EPOLLOUT) {
    watch(c, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_MOD);
    flush(c);
  }
  if (!read_all(c)) return close_connection(c);
  if (c->in_bytes && !c->armed) take_request(c);
}

static void accept_all(int listener) {
  int one = 1, fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    Connection *c = must(calloc(1, sizeof *c));
    c->fd = fd;
    c->in = must(malloc(IN_BYTES + 1));
    watch(c, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
    accepted++;
  }
}

static void run_due(void) {
  while (timer_count && timers[0].at <= now()) {
    Connection *c = pop_timer();
    c->armed = false;
    if (c->closed)
      close_connection(c);
    else
      reply(c);
  }
}

static void run(int listener) {
  struct epoll_event events[EVENTS];
  for (;;) {
    struct timespec wait, *limit = NULL;
    if (timer_count) {
      ns_t left = timers[0].at - now();
      if (left < 0) left = 0;
      wait = (struct timespec){left / 1000000000LL, left % 1000000000LL};
      limit = &wait;
    }
    int n = epoll_pwait2(epoll_fd, events, EVENTS, limit, NULL);
    run_due();
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr)
        serve(events[i].data.ptr, events[i].events);
      else
        accept_all(listener);
      run_due(); /* a burst of requests must not hold up the answers that are due */
    }
  }
}

static int listen_on(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one); /* the kernel stamps from now on */
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
    perror("listen");
    exit(1);
  }
  return fd;
}

int main(int count, char **arguments) {
  int listener = listen_on(count > 1 ? atoi(arguments[1]) : 9000);
  prctl(PR_SET_TIMERSLACK, 1);
  rows = must(calloc(LOG_ROWS, sizeof *rows));
  chunk_times = must(calloc(LOG_CHUNKS, sizeof *chunk_times));
  prepare_bodies();
  epoll_fd = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  run(listener);
}
