// What threads do together or at once: barriers, shuffles, atomics, asynchronous copies.
//
// A thread that comes to a barrier or shuffle waits until all of its block or warp are there. When nobody can go on and
// some still wait, they are not all there: that is told, and those who wait go on together.
#pragma once
#include "memory.h"
#define __forceinline__ inline __attribute__((always_inline))
#include "ptx.h"

static u32 full_warp(u32 warp) {
  const u32 left = thread_count - warp * lanes_of_warp;
  return left >= lanes_of_warp ? ~0u : (1u << left) - 1;
}

// ---------------------------------------------------------------- barriers

/** The line where the first of them waits, and whether another waits elsewhere. */
static u32 waiting_at_barrier, barrier_line;
static bool barrier_differs;

/** Where a thread is that does not run. */
static Access standing(u32 thread) {
  const Fiber &f = fibers[thread];
  const AccessKind kind = f.state == State::at_barrier ? barrier_access
    : f.state == State::at_shuffle ? shuffle_access : end_access;
  return { kind, nowhere, u16(thread), current_block, f.line | line_flag, 0, 0 };
}

static void release_barrier() {
  barrier_released();
  for (u32 t = 0; t < thread_count; t++) if (fibers[t].state == State::at_barrier) fibers[t].state = State::ready;
  waiting_at_barrier = 0;
  barrier_differs = false;
  interval++;
  if (thread_order == random_order) arrange_turns();
}

/** The first who waits here, and the first who is elsewhere. */
static void tell_of_barrier() {
  u32 first = 0;
  while (fibers[first].state != State::at_barrier) first++;
  for (u32 t = 0; t < thread_count; t++) {
    if (fibers[t].state == State::at_barrier && fibers[t].line == fibers[first].line) continue;
    const Access other = standing(t);
    return fault(divergent_barrier, standing(first), &other);
  }
}

extern "C" void heddle_barrier(unsigned line) {
  Fiber &self = fibers[current_thread];
  if (waiting_at_barrier == 0) barrier_line = line;
  barrier_differs |= line != barrier_line;
  if (++waiting_at_barrier < thread_count) return wait_for_others(State::at_barrier, line);
  self.state = State::at_barrier;
  self.line = line;
  if (barrier_differs) tell_of_barrier();
  release_barrier();
  turn = 0;
  if (turns[0] != current_thread) resume(turns[0]);
}

// ---------------------------------------------------------------- shuffles

/** What each lane brings, and what it gets. */
struct Lane {
  u32 value, result;
  /** Itself where the instruction's operands leave no other. */
  u8 source;
  bool is_down;
};
static Lane lanes[most_threads];
static u32 waiting_lanes[most_threads / lanes_of_warp];

/** What a lane that takes no part would send. */
constexpr u32 nothing_sent = 0xffffffff;

static void exchange(u32 warp) {
  const u32 base = warp * lanes_of_warp, waiting = waiting_lanes[warp];
  for (u32 m = waiting; m; m &= m - 1) {
    Lane &lane = lanes[base + u32(__builtin_ctz(m))];
    lane.result = waiting >> lane.source & 1 ? lanes[base + lane.source].value : nothing_sent;
  }
  for (u32 m = waiting; m; m &= m - 1) fibers[base + u32(__builtin_ctz(m))].state = State::ready;
  waiting_lanes[warp] = 0;
}

/** All lanes of the warp at one shuffle, or a fault. */
static void check_shuffle(u32 warp) {
  const u32 base = warp * lanes_of_warp, waiting = waiting_lanes[warp], first = base + u32(__builtin_ctz(waiting));
  for (u32 m = full_warp(warp); m; m &= m - 1) {
    const u32 t = base + u32(__builtin_ctz(m));
    const bool same = fibers[t].line == fibers[first].line && lanes[t].is_down == lanes[first].is_down;
    if (waiting >> (t - base) & 1 && same) continue;
    const Access other = standing(t);
    return fault(divergent_shuffle, standing(first), &other);
  }
}

static u32 shuffled(u32 value, u32 source, bool is_down, u32 line) {
  const u32 self = current_thread, warp = self / lanes_of_warp, lane = self % lanes_of_warp;
  lanes[self] = { value, 0, u8(source), is_down };
  waiting_lanes[warp] |= 1u << lane;
  if (waiting_lanes[warp] != full_warp(warp)) {
    wait_for_others(State::at_shuffle, line);
    return lanes[self].result;
  }
  fibers[self].state = State::at_shuffle;
  fibers[self].line = line;
  check_shuffle(warp);
  exchange(warp);
  // the warp's first lane of the order goes on first
  u32 place = turn;
  while (place > 0 && turns[place - 1] / lanes_of_warp == warp) place--;
  turn = place;
  if (turns[place] != self) resume(turns[place]);
  return lanes[self].result;
}

/** PTX ISA, "shfl.sync": `clamp` holds the segment mask in bits 8 to 12 and the last lane in bits 0 to 4. */
static u32 last_lane(u32 lane, u32 clamp) {
  const u32 segment = clamp >> 8 & 31;
  return (lane & segment) | (clamp & 31 & ~segment);
}

extern "C" u32 heddle_shfl_bfly(u32 value, u32 distance, u32 clamp, u32, unsigned line) {
  const u32 lane = current_thread % lanes_of_warp, source = lane ^ (distance & 31);
  return shuffled(value, source <= last_lane(lane, clamp) ? source : lane, false, line);
}

extern "C" u32 heddle_shfl_down(u32 value, u32 distance, u32 clamp, u32, unsigned line) {
  const u32 lane = current_thread % lanes_of_warp, source = lane + (distance & 31);
  return shuffled(value, source <= last_lane(lane, clamp) ? source : lane, true, line);
}

// ---------------------------------------------------------------- who waits in vain

static bool settle() {
  bool goes_on = false;
  for (u32 w = 0; w * lanes_of_warp < thread_count; w++) {
    if (waiting_lanes[w] == 0) continue;
    check_shuffle(w);
    exchange(w);
    goes_on = true;
  }
  if (goes_on || waiting_at_barrier == 0) return goes_on;
  tell_of_barrier();
  release_barrier();
  return true;
}

// ---------------------------------------------------------------- asynchronous copies

struct Copy {
  u64 to;
  u32 bytes;
  Site site;
  /** How many groups the thread had closed before. */
  u32 group;
  u8 data[16];
};
struct Copies {
  Copy *all;
  u32 first, count, capacity, groups;
};
static Copies copies[most_threads];

/** They never arrive. */
static void forget_copies() {
  for (u32 t = 0; t < thread_count; t++) copies[t].first = copies[t].count = copies[t].groups = 0;
}

extern "C" u64 heddle_to_shared(u64 generic, unsigned line) {
  if (!is_shared(generic)) fault(out_of_bounds, here(write_access, line | line_flag), nullptr);
  return generic - shared_base;
}

extern "C" u64 heddle_to_global(u64 generic, unsigned) { return generic; }

static void mark_copy(const SharedArray &a, u32 first, u32 last, u16 copier, Site site) {
  for (u32 c = first; c <= last; c++) {
    a.cells[c].copier = copier;
    a.pasts[c].copier = site;
  }
}

/** What is read is read now, what is written appears at the wait. */
extern "C" void heddle_copy_async(u64 shared, u64 global, u32 bytes, u32 source_bytes, unsigned line) {
  const Site site = line | line_flag;
  const u64 to = shared_base + shared;
  if (source_bytes > 0) check(global, source_bytes, read_access, site);
  if (!is_shared(to)) return;
  check_shared(to, bytes, write_access, site);
  const SharedArray &a = shared_arrays[shared >> log_shared_range];
  const u64 offset = to - u64(a.base);
  if (offset + bytes > a.bytes || to & (bytes - 1)) return;
  mark_copy(a, u32(offset) >> a.log_cell, (u32(offset) + bytes - 1) >> a.log_cell, u16(current_thread + 1), site);
  Copies &own = copies[current_thread];
  if (own.count == own.capacity) {
    own.capacity = own.capacity ? own.capacity * 2 : 16;
    own.all = (Copy *)realloc((void *)own.all, own.capacity * sizeof(Copy));
    if (!own.all) end_without_memory();
  }
  Copy &copy = own.all[own.count++];
  copy = { to, bytes, site, own.groups, {} };
  if (source_bytes <= bytes && is_global(global)) memcpy(copy.data, (const void *)global, source_bytes);
}

extern "C" void heddle_commit_group(unsigned) { copies[current_thread].groups++; }

extern "C" void heddle_wait_group(u32 pending, unsigned) {
  Copies &own = copies[current_thread];
  while (own.first < own.count && own.all[own.first].group + pending < own.groups) {
    const Copy &copy = own.all[own.first++];
    SharedArray &a = shared_arrays[(copy.to - shared_base) >> log_shared_range];
    const u32 offset = u32(copy.to - u64(a.base)), last = (offset + copy.bytes - 1) >> a.log_cell;
    memcpy((void *)copy.to, copy.data, copy.bytes);
    mark_copy(a, offset >> a.log_cell, last, 0, 0);
    for (u32 c = offset >> a.log_cell; c <= last; c++) {
      slow_shared_cell(a, c, write_access, copy.site, u16(current_thread + 1));
    }
  }
  if (own.first == own.count) own.first = own.count = 0;
}

// ---------------------------------------------------------------- atomics

/** Of a tensor of narrow elements the last word may reach over the end. */
static u32 bytes_inside(u64 address, u32 bytes) {
  u64 left = bytes;
  if (is_shared(address)) {
    const SharedArray &a = shared_arrays[(address - shared_base) >> log_shared_range];
    left = u64(a.base) + a.bytes - address;
  } else if (is_global(address)) {
    const Tensor &t = tensors[(address - global_base) >> log_tensor_range];
    left = u64(t.base) + t.bytes - address;
  }
  return left > 0 && left < bytes ? u32(left) : bytes;
}

/** Where the element lies, after the check. */
static void *atomic_element(u64 address, u32 bytes, unsigned line) {
  check(address, bytes_inside(address, bytes), atomic_access, line | line_flag);
  if (!is_shared(address) && !is_global(address)) fault(out_of_bounds, here(atomic_access, line | line_flag), nullptr);
  return (void *)address;
}

template <typename T, T add(T, T)>
static T added(u64 address, T value, unsigned line) {
  void *const element = atomic_element(address, sizeof(T), line);
  T old, sum;
  memcpy(&old, element, sizeof old);
  sum = add(old, value);
  memcpy(element, &sum, sizeof sum);
  return old;
}

template <typename T>
static T plain_sum(T a, T b) { return a + b; }

static u32 exchanged(u64 address, u32 compare, u32 value, unsigned line) {
  void *const element = atomic_element(address, sizeof value, line);
  u32 old;
  memcpy(&old, element, sizeof old);
  if (old == compare) memcpy(element, &value, sizeof value);
  return old;
}

static u16 f16_sum(u16 a, u16 b) { return ptx_add_rn_f16(a, b); }
static u16 bf16_sum(u16 a, u16 b) { return ptx_cvt_rn_bf16_f32(heddle_wide(a) + heddle_wide(b)); }

#define ATOMIC_ADD(space, start, name, type, sum) \
  extern "C" type heddle_atomic_add_##space##_##name(u64 at, type x, unsigned line) { \
    return added<type, sum>(start + at, x, line); \
  }
#define ATOMICS(space, start) \
  ATOMIC_ADD(space, start, f16, u16, f16_sum) \
  ATOMIC_ADD(space, start, bf16, u16, bf16_sum) \
  ATOMIC_ADD(space, start, u32, u32, plain_sum) \
  ATOMIC_ADD(space, start, u64, u64, plain_sum) \
  ATOMIC_ADD(space, start, f32, float, plain_sum) \
  ATOMIC_ADD(space, start, f64, double, plain_sum) \
  extern "C" u32 heddle_atomic_cas_##space##_b32(u64 at, u32 compare, u32 value, unsigned line) { \
    return exchanged(start + at, compare, value, line); \
  }
ATOMICS(shared, shared_base)
ATOMICS(global, 0)
#undef ATOMIC_ADD
#undef ATOMICS

/** A word that others change by atomics may be read at any time. */
extern "C" u32 heddle_volatile_read_b32(const volatile void *address, unsigned line) {
  check(u64(address), bytes_inside(u64(address), 4), atomic_access, line | line_flag);
  return *(const volatile u32 *)address;
}

extern "C" [[noreturn]] void heddle_trap(unsigned line) {
  const Access at = here(assert_access, line | line_flag);
  fault(assertion, at, nullptr);
  stop();
}
