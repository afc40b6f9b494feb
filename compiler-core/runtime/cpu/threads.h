// What runs kernels: blocks on all cores, the threads of a block one after the other. Those of a kernel that waits
// (cuda.h) are fibers; one runs until it waits, then the next of its warp does, then the next warp.
//
//     heddle::start(cores);                                    once
//     heddle::launch(kernel, { 49, 1, 1 }, arguments);         not by two threads at once
//
// Whoever includes this defines `heddle_accident`, which does not come back.
#pragma once
#include "switch.h"
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

struct HeddleIndex { unsigned x, y, z; };
__thread HeddleIndex heddle_thread_index, heddle_block_index;
/** What a kernel asks for when it is launched; the most that an architecture has. */
__thread unsigned char shared_memory[232448] __attribute__((aligned(1024)));

[[noreturn]] void heddle_accident(const char *what);

namespace heddle {

constexpr uint32_t most_threads = 1024, lanes = 32, most_warps = most_threads / lanes;
/** Frames are limited to less by a flag of the compiler. Hot ends of stacks shall not meet in one set of a cache. */
constexpr size_t stack_bytes = 64 << 10, stack_shift = 17 * 64;

// ---------------------------------------------------------------- one block

struct Warp {
  /** Its lanes that have not ended, and how many they are. */
  uint32_t mask, live;
  /** How many of them wait for the block, and for the warp. */
  uint32_t at_barrier, at_exchange;
  /** Counts exchanges. */
  uint32_t exchanges;
  /** The lane to go on with. */
  uint32_t turn;
  /** Of the last two exchanges: a lane may be one ahead of another. */
  uint32_t values[2][lanes];
};

/** A thread of the machine, and the block that it runs. */
struct Worker {
  void *launcher;
  uint32_t current;
  /** The warps that have not ended, how many they are, and how many of them wait whole. */
  uint32_t warp_mask, live_warps, warps_at_barrier;
  /** Counts barriers. */
  uint32_t barriers;
  void (*entry)(void *const *);
  void *const *arguments;
  Warp warps[most_warps];
  HeddleIndex indices[most_threads];
  void *stack_pointers[most_threads];
  char *stacks;
  HeddleIndex block;
};

static __thread Worker *self;

/** The first set bit behind `place`, or else from the beginning. */
static inline uint32_t next_of(uint32_t mask, uint32_t place) {
  const uint32_t behind = mask & ~1u << place;
  return uint32_t(__builtin_ctz(behind ? behind : mask));
}

static inline void resume(uint32_t thread) {
  Worker &w = *self;
  void **const save = &w.stack_pointers[w.current];
  w.current = thread;
  heddle_thread_index = w.indices[thread];
  heddle_switch(save, w.stack_pointers[thread]);
}

[[noreturn]] static void wait_in_vain() {
  heddle_accident("its threads wait for each other at different places");
}

static void release_barrier(Worker &w) {
  for (uint32_t rest = w.warp_mask; rest; rest &= rest - 1) w.warps[__builtin_ctz(rest)].at_barrier = 0;
  w.warps_at_barrier = 0;
  w.barriers++;
}

/** The current thread's kernel has come to its end: another goes on. */
static void end_thread() {
  Worker &w = *self;
  const uint32_t number = w.current / lanes, lane = w.current % lanes;
  Warp &warp = w.warps[number];
  warp.mask &= ~(1u << lane);
  uint32_t next = number;
  if (--warp.live) {
    warp.turn = next_of(warp.mask, lane);
    if (warp.at_exchange == warp.live) {
      warp.at_exchange = 0;
      warp.exchanges++;
    } else if (warp.at_barrier == warp.live) {
      w.warps_at_barrier++;
      next = next_of(w.warp_mask, number);
    }
  } else {
    w.warp_mask &= ~(1u << number);
    if (--w.live_warps == 0) {
      heddle_switch(&w.stack_pointers[w.current], w.launcher);
      return;
    }
    next = next_of(w.warp_mask, number);
  }
  if (w.warps_at_barrier == w.live_warps) release_barrier(w);
  resume(next * lanes + w.warps[next].turn);
}

/** The life of a fiber: the same thread of one block after the other. */
static void fiber_main() {
  for (;;) {
    self->entry(self->arguments);
    end_thread();
  }
}

} // namespace heddle

extern "C" void heddle_barrier() {
  using namespace heddle;
  Worker &w = *self;
  const uint32_t number = w.current / lanes, barriers = w.barriers;
  Warp &warp = w.warps[number];
  const uint32_t lane = next_of(warp.mask, w.current % lanes);
  if (++warp.at_barrier < warp.live) resume(number * lanes + lane);
  else {
    warp.turn = lane;
    if (++w.warps_at_barrier == w.live_warps) return release_barrier(w);
    const uint32_t next = next_of(w.warp_mask, number);
    resume(next * lanes + w.warps[next].turn);
  }
  if (w.barriers == barriers) wait_in_vain();
}

extern "C" uint32_t heddle_lane() { return heddle::self->current % heddle::lanes; }

/** The value that another lane of the warp brings; the own one where there is no such lane. */
extern "C" uint32_t heddle_exchange(uint32_t value, uint32_t source) {
  using namespace heddle;
  Worker &w = *self;
  const uint32_t number = w.current / lanes, lane = w.current % lanes;
  Warp &warp = w.warps[number];
  const uint32_t exchanges = warp.exchanges;
  uint32_t *const values = warp.values[exchanges % 2];
  const bool is_there = warp.mask >> source & 1;
  values[lane] = value;
  if (++warp.at_exchange == warp.live) {
    warp.at_exchange = 0;
    warp.exchanges++;
  } else {
    resume(number * lanes + next_of(warp.mask, lane));
    if (warp.exchanges == exchanges) wait_in_vain();
  }
  return is_there ? values[source] : value;
}

extern "C" [[noreturn]] void heddle_trap(unsigned) { heddle_accident("an assertion does not hold"); }

namespace heddle {

constexpr size_t all_stacks = most_threads * (stack_bytes + stack_shift);

static void start_fibers(Worker &w) {
  void *const stacks = mmap(
    nullptr, all_stacks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0
  );
  if (stacks == MAP_FAILED) heddle_accident("there is too little memory for its threads");
  w.stacks = (char *)stacks;
  for (size_t t = 0; t < most_threads; t++) {
    w.stack_pointers[t] = fresh_stack(w.stacks + (t + 1) * (stack_bytes + stack_shift), fiber_main);
  }
}

static void run_fibers(HeddleIndex block, HeddleIndex size) {
  Worker &w = *self;
  const uint32_t threads = size.x * size.y * size.z;
  if (!w.stacks) start_fibers(w);
  if (w.block.x != size.x || w.block.y != size.y || w.block.z != size.z) {
    for (uint32_t t = 0; t < threads; t++) w.indices[t] = { t % size.x, t / size.x % size.y, t / size.x / size.y };
    w.block = size;
  }
  const uint32_t warps = (threads + lanes - 1) / lanes;
  w.warp_mask = ~0u >> (most_warps - warps);
  w.live_warps = warps;
  w.warps_at_barrier = 0;
  for (uint32_t i = 0; i < warps; i++) {
    const uint32_t left = threads - i * lanes;
    Warp &warp = w.warps[i];
    warp.live = left >= lanes ? lanes : left;
    warp.mask = ~0u >> (lanes - warp.live);
    warp.at_barrier = warp.at_exchange = warp.turn = 0;
  }
  w.current = 0;
  heddle_block_index = block;
  heddle_thread_index = w.indices[0];
  heddle_switch(&w.launcher, w.stack_pointers[0]);
}

// ---------------------------------------------------------------- all blocks

struct Kernel {
  /** One of the two; cuda.h defines them. */
  void (*plain)(void *const *, HeddleIndex);
  void (*fibers)(void *const *);
  HeddleIndex block;
};

struct Pool {
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  uint32_t helpers;
  const Kernel *kernel;
  void *const *arguments;
  HeddleIndex grid;
  uint64_t blocks, at_once;
  /** The next block that nobody has begun. */
  uint64_t next;
  /** How often work was given out; whether helpers may still join; how many are at it. */
  uint32_t launches, open, busy;
};
static Pool pool = {
  PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, nullptr, nullptr, {}, 0, 0, 0, 0, 0, 0
};

static void run_blocks() {
  const Kernel &kernel = *pool.kernel;
  const HeddleIndex grid = pool.grid;
  Worker &w = *self;
  w.entry = kernel.fibers;
  w.arguments = pool.arguments;
  for (;;) {
    uint64_t at = __atomic_fetch_add(&pool.next, pool.at_once, __ATOMIC_RELAXED);
    if (at >= pool.blocks) return;
    const uint64_t end = at + pool.at_once < pool.blocks ? at + pool.at_once : pool.blocks;
    for (; at < end; at++) {
      const HeddleIndex block = {
        uint32_t(at % grid.x), uint32_t(at / grid.x % grid.y), uint32_t(at / grid.x / grid.y)
      };
      if (kernel.plain) kernel.plain(pool.arguments, block);
      else run_fibers(block, kernel.block);
    }
  }
}

/** Work often comes in quick succession: for a moment, look for it without sleeping. */
constexpr uint32_t glances = 2000;

static inline void pause_shortly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

static pthread_key_t worker_key;

static void free_worker(void *worker) {
  if (((Worker *)worker)->stacks) munmap(((Worker *)worker)->stacks, all_stacks);
  free(worker);
}

/** Of the calling thread, as long as it lives. */
static void make_worker() {
  if (self) return;
  self = (Worker *)calloc(1, sizeof(Worker));
  if (!self) heddle_accident("there is too little memory for its threads");
  pthread_setspecific(worker_key, self);
}

static void *helper_main(void *) {
  make_worker();
  for (uint32_t known = 0;;) {
    for (uint32_t i = 0; i < glances && __atomic_load_n(&pool.launches, __ATOMIC_RELAXED) == known; i++) pause_shortly();
    pthread_mutex_lock(&pool.mutex);
    while (pool.launches == known) pthread_cond_wait(&pool.wake, &pool.mutex);
    known = pool.launches;
    const bool joins = pool.open;
    if (joins) pool.busy++;
    pthread_mutex_unlock(&pool.mutex);
    if (!joins) continue;
    run_blocks();
    __atomic_fetch_sub(&pool.busy, 1, __ATOMIC_RELEASE);
  }
}

static int find_own_memory(dl_phdr_info *object, size_t, void *bytes) {
  for (uint32_t i = 0; i < object->dlpi_phnum; i++) {
    if (object->dlpi_phdr[i].p_type == PT_TLS) *(size_t *)bytes += object->dlpi_phdr[i].p_memsz;
  }
  return 1; // the program comes first
}

/** `threads`: of the machine, at least 1; the one that launches is one of them. */
static void start(uint32_t threads) {
  pthread_key_create(&worker_key, free_worker);
  size_t bytes = 2 << 20;
  dl_iterate_phdr(find_own_memory, &bytes);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes);
  for (uint32_t i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, helper_main, nullptr)) break;
    pool.helpers++;
  }
  pthread_attr_destroy(&attributes);
}

/** Comes back when all blocks have run. */
static void launch(const Kernel &kernel, HeddleIndex grid, void *const *arguments) {
  make_worker();
  pool.kernel = &kernel;
  pool.arguments = arguments;
  pool.grid = grid;
  pool.blocks = uint64_t(grid.x) * grid.y * grid.z;
  pool.at_once = pool.blocks / ((pool.helpers + 1) * 16) + 1;
  pool.next = 0;
  if (pool.helpers == 0 || pool.blocks == 1) return run_blocks();
  pthread_mutex_lock(&pool.mutex);
  __atomic_store_n(&pool.launches, pool.launches + 1, __ATOMIC_RELAXED);
  pool.open = 1;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.mutex);
  run_blocks();
  pthread_mutex_lock(&pool.mutex); // who has not come yet need not
  pool.open = 0;
  pthread_mutex_unlock(&pool.mutex);
  for (uint32_t i = 0; __atomic_load_n(&pool.busy, __ATOMIC_ACQUIRE) != 0; i++) {
    if (i < glances) pause_shortly();
    else sched_yield();
  }
}

} // namespace heddle
