// What is running: one block at a time, its threads as fibers that are switched by hand. A thread runs until it waits
// for others; who is next is the thread order's to say.
//
//     forward   0 1 2 ...     reverse   ... 2 1 0     random   warps shuffled, and the lanes in each warp
#pragma once
#include "switch.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

struct Index { u32 x, y, z; };
extern "C" { Index heddle_thread_index, heddle_block_index; }

enum Order : u32 { forward, reverse_order, random_order };
enum class State : u8 { ready, at_barrier, at_shuffle, ended };

constexpr u32 most_threads = 1024, lanes_of_warp = 32;
constexpr u64 stack_bytes = 256 << 10, stack_guard = 64 << 10;

struct Fiber {
  void *stack_pointer;
  char *stack;
  State state;
  /** Where it waits. */
  u32 line;
};

static Fiber fibers[most_threads];
static Index thread_indices[most_threads];
/** The thread that runs at each place of the order, and the place that runs now. */
static u32 turns[most_threads], turn;
static u32 thread_count, current_thread, current_block, current_kernel;
static Order thread_order;
/** Counts barriers and blocks of all launches of a run: two accesses of one interval are not ordered. From 1. */
static u32 interval;
static void *launcher;
static void (*kernel_entry)(void *const *);
static void *const *kernel_arguments;

static void barrier_released(); // counts.h
static bool settle();           // collectives.h

// ---------------------------------------------------------------- numbers at random

static u64 random_state;

static u32 random_below(u32 n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return u32((random_state >> 32) * n >> 32);
}

static void shuffle(u32 *values, u32 n) {
  for (u32 i = n; i > 1; i--) {
    const u32 j = random_below(i), kept = values[i - 1];
    values[i - 1] = values[j];
    values[j] = kept;
  }
}

// ---------------------------------------------------------------- waiting

static void resume(u32 thread) {
  Fiber &from = fibers[current_thread];
  current_thread = thread;
  heddle_thread_index = thread_indices[thread];
  heddle_switch(&from.stack_pointer, fibers[thread].stack_pointer);
}

/** The first place of the order, from `place` on and around, whose thread can run; `thread_count` where none can. */
static u32 next_ready(u32 place) {
  for (u32 p = place; p < thread_count; p++) if (fibers[turns[p]].state == State::ready) return p;
  for (u32 p = 0; p < place; p++) if (fibers[turns[p]].state == State::ready) return p;
  return thread_count;
}

/** Runs others until the current thread is ready again; never comes back to one that has ended. */
static void run_others() {
  const u32 self = current_thread;
  u32 place = next_ready(turn + 1 < thread_count ? turn + 1 : 0);
  if (place == thread_count && settle()) place = next_ready(0);
  if (place == thread_count) {
    heddle_switch(&fibers[self].stack_pointer, launcher);
    return;
  }
  turn = place;
  if (turns[place] != self) resume(turns[place]);
}

static void wait_for_others(State state, u32 line) {
  fibers[current_thread].state = state;
  fibers[current_thread].line = line;
  run_others();
}

static bool stopped;

/** The kernel goes no further. */
[[noreturn]] static void stop() {
  stopped = true;
  heddle_switch(&fibers[current_thread].stack_pointer, launcher);
  abort();
}

static void arrange_turns() {
  for (u32 p = 0; p < thread_count; p++) turns[p] = thread_order == reverse_order ? thread_count - 1 - p : p;
  if (thread_order != random_order) return;
  u32 warps[most_threads / lanes_of_warp], count = (thread_count + lanes_of_warp - 1) / lanes_of_warp, place = 0;
  for (u32 w = 0; w < count; w++) warps[w] = w;
  shuffle(warps, count);
  for (u32 w = 0; w < count; w++) {
    const u32 first = warps[w] * lanes_of_warp, left = thread_count - first;
    const u32 lanes = left < lanes_of_warp ? left : lanes_of_warp;
    for (u32 l = 0; l < lanes; l++) turns[place + l] = first + l;
    shuffle(turns + place, lanes);
    place += lanes;
  }
}

static void thread_main() {
  kernel_entry(kernel_arguments);
  wait_for_others(State::ended, 0);
  abort();
}

/** All threads of one block, to their end. */
static void run_block(u32 block, Index index) {
  current_block = block;
  heddle_block_index = index;
  interval++;
  for (u32 t = 0; t < thread_count; t++) {
    Fiber &f = fibers[t];
    f.state = State::ready;
    f.line = 0;
    f.stack_pointer = fresh_stack(f.stack + stack_guard + stack_bytes, thread_main);
  }
  arrange_turns();
  turn = 0;
  current_thread = turns[0];
  heddle_thread_index = thread_indices[current_thread];
  heddle_switch(&launcher, fibers[current_thread].stack_pointer);
  barrier_released();
}
