// What the accesses of warps cost, as analysis/shared-memory.ts defines it, counted while a kernel runs.
//
// The lanes of a warp run one after the other; their accesses belong to one request when they come from one place in
// the text in the same turns of all loops around it. Requests are complete at the next barrier.
#pragma once
#include "collectives.h"

struct Count {
  Site site;
  u32 kernel, array, bytes;
  Space space;
  AccessKind kind;
  unsigned long long requests, wavefronts, ideal, sectors;
};
struct Request {
  u64 key;
  u32 count, lanes;
  i64 offsets[lanes_of_warp];
};
struct Turn { u32 loop, turn; u64 hash; };
struct Turns { u32 depth; Turn loops[64]; };

constexpr u32 most_counts = 1 << 14;
static Count *counts;
static u32 count_count;
static Request *requests;
static u32 request_count, request_capacity;
/** A hash table of numbers of requests, plus 1. */
static u32 *request_table;
static Turns *turns_of_threads;

static u64 mixed(u64 a, u64 b) {
  u64 h = (a ^ (b + 0x9e3779b97f4a7c15)) * 0xff51afd7ed558ccd;
  h ^= h >> 32;
  return h * 0xc4ceb9fe1a85ec53;
}

static void make_counts() {
  counting = true;
  counts = (Count *)allocate(most_counts * sizeof(Count));
  request_capacity = 1 << 16;
  requests = (Request *)allocate(request_capacity * sizeof(Request));
  request_table = (u32 *)allocate(2 * request_capacity * sizeof(u32));
  turns_of_threads = (Turns *)allocate(most_threads * sizeof(Turns));
}

static void set_turn(Turns &own, u32 loop, u32 turn) {
  Turn &t = own.loops[own.depth - 1];
  const u64 around = own.depth > 1 ? own.loops[own.depth - 2].hash : 0;
  t = { loop, turn, mixed(around, u64(loop) << 32 | turn) };
}

extern "C" void heddle_step(unsigned loop) {
  if (!counting) return;
  Turns &own = turns_of_threads[current_thread];
  if (own.depth > 0 && own.loops[own.depth - 1].loop == loop) set_turn(own, loop, own.loops[own.depth - 1].turn + 1);
  else if (own.depth < 64) {
    own.depth++;
    set_turn(own, loop, 0);
  }
}

extern "C" void heddle_done(unsigned loop) {
  if (!counting) return;
  Turns &own = turns_of_threads[current_thread];
  if (own.depth > 0 && own.loops[own.depth - 1].loop == loop) own.depth--;
}

/** A hash table of numbers of counts, plus 1. */
static u32 count_table[2 * most_counts];

static u32 count_of(const Count &wanted) {
  for (u64 place = mixed(u64(wanted.site) << 32 | wanted.array, u64(wanted.kind) << 32 | wanted.bytes);; place++) {
    u32 &number = count_table[place % (2 * most_counts)];
    if (number == 0) {
      if (count_count == most_counts) return most_counts - 1;
      counts[count_count] = wanted;
      number = ++count_count;
      return number - 1;
    }
    const Count &c = counts[number - 1];
    const bool same = c.site == wanted.site && c.kernel == wanted.kernel && c.kind == wanted.kind
      && c.space == wanted.space && c.array == wanted.array && c.bytes == wanted.bytes;
    if (same) return number - 1;
  }
}

static u64 sectors(const Request &r) {
  i64 seen[lanes_of_warp];
  u32 n = 0;
  for (u32 m = r.lanes; m; m &= m - 1) {
    const i64 sector = r.offsets[__builtin_ctz(m)] >> 5; // an aligned access lies in one
    bool known = false;
    for (u32 i = 0; i < n && !known; i++) known = seen[i] == sector;
    if (!known) seen[n++] = sector;
  }
  return n;
}

/** Adds those of one phase after the other. */
static void add_wavefronts(Count &c, const Request &r) {
  const u32 phase = c.bytes <= 4 ? lanes_of_warp : 128 / c.bytes, words = c.bytes <= 4 ? 1 : c.bytes / 4;
  for (u32 first = 0; first < lanes_of_warp; first += phase) {
    u32 asked[32] = {}, most = 0, n = 0;
    i64 seen[lanes_of_warp];
    for (u32 l = first; l < first + phase; l++) {
      if (!(r.lanes >> l & 1)) continue;
      for (u32 w = 0; w < words; w++) {
        const i64 word = (r.offsets[l] >> 2) + w;
        bool known = false;
        for (u32 i = 0; i < n && !known; i++) known = seen[i] == word;
        if (known) continue;
        seen[n++] = word;
        const u32 in_bank = ++asked[word & 31];
        if (in_bank > most) most = in_bank;
      }
    }
    c.wavefronts += most;
    c.ideal += most > 0;
  }
}

static void barrier_released() {
  if (!counting) return;
  for (u32 i = 0; i < request_count; i++) {
    const Request &r = requests[i];
    Count &c = counts[r.count];
    c.requests++;
    if (c.space == in_shared) add_wavefronts(c, r);
    else c.sectors += sectors(r);
  }
  request_count = 0;
  memset(request_table, 0, 2 * request_capacity * sizeof(u32));
}

static void grow_requests() {
  Request *const old = requests;
  request_capacity *= 2;
  requests = (Request *)allocate(request_capacity * sizeof(Request));
  memcpy((void *)requests, (void *)old, request_count * sizeof(Request));
  munmap((void *)old, request_capacity / 2 * sizeof(Request));
  munmap(request_table, request_capacity * sizeof(u32));
  request_table = (u32 *)allocate(2 * request_capacity * sizeof(u32));
  for (u32 i = 0; i < request_count; i++) {
    u64 place = requests[i].key;
    while (request_table[place & (2 * request_capacity - 1)]) place++;
    request_table[place & (2 * request_capacity - 1)] = i + 1;
  }
}

static void count_access(u32 array, Space space, AccessKind kind, i64 offset, u32 bytes, Site site) {
  const u32 count = count_of({ site, current_kernel, array, bytes, space, kind, 0, 0, 0, 0 });
  const Turns &own = turns_of_threads[current_thread];
  const u32 lane = current_thread % lanes_of_warp;
  u64 key = mixed(own.depth > 0 ? own.loops[own.depth - 1].hash : 0, u64(count) << 32 | current_thread / lanes_of_warp);
  if (request_count == request_capacity) grow_requests();
  for (u64 place = key;; place++) {
    u32 &number = request_table[place & (2 * request_capacity - 1)];
    if (number == 0) {
      number = ++request_count;
      Request &r = requests[number - 1];
      r.key = key;
      r.count = count;
      r.lanes = 1u << lane;
      r.offsets[lane] = offset;
      return;
    }
    Request &r = requests[number - 1];
    if (r.key != key) continue;
    if (r.lanes >> lane & 1) { // again in the same turn
      key = mixed(key, 1);
      place = key - 1;
      continue;
    }
    r.lanes |= 1u << lane;
    r.offsets[lane] = offset;
    return;
  }
}

static void say_counts() {
  for (u32 i = 0; i < count_count; i++) {
    const Count &c = counts[i];
    const Access at = { c.kind, c.space, 0, 0, c.site, c.array, 0 };
    char text[256];
    access_text(text, sizeof text, at);
    say("{\"count\":%s,\"kernel\":%u,\"bytes\":%u,", text, c.kernel, c.bytes);
    say("\"requests\":%llu,\"wavefronts\":%llu,\"ideal\":%llu,\"sectors\":%llu}\n",
      c.requests, c.wavefronts, c.ideal, c.sectors);
  }
}
