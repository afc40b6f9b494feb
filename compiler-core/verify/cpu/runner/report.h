// What is told to the engine: a file of JSON lines (report.ts reads them), kept small by counting what repeats.
//
//     {"fault":"race","run":0,"kernel":0,"times":32,"at":{"kind":"read",...},"other":{"kind":"write",...}}
//     {"run":0,"blocks":16,"total":16}          {"ended":"time","message":"...","at":{...}}          {"done":true}
#pragma once
#include "launch.h"
#include <fcntl.h>
#include <initializer_list>
#include <stdarg.h>
#include <unistd.h>

enum FaultKind : u8 {
  race, double_write, not_arrived, out_of_bounds, uninitialised, misaligned, divergent_barrier, divergent_shuffle,
  assertion
};
static const char *const fault_names[] = {
  "race", "double-write", "not-arrived", "out-of-bounds", "uninitialised", "misaligned", "divergent-barrier",
  "divergent-shuffle", "assertion"
};
enum AccessKind : u8 {
  read_access, write_access, atomic_access, barrier_access, shuffle_access, assert_access, loop_access, end_access
};
static const char *const access_names[] = {
  "read", "write", "atomic", "barrier", "shuffle", "assert", "loop", "end"
};
enum Space : u8 { nowhere, in_shared, in_global };

/** A line of the kernel's text where the highest bit is set; else an offset into the loaded object's code. */
typedef u32 Site;
constexpr Site line_flag = 1u << 31;

struct Access {
  AccessKind kind;
  Space space;
  u16 thread;
  u32 block;
  Site site;
  /** Which array or buffer, and where in it: bytes. */
  u32 array;
  i64 offset;
};

struct Fault {
  FaultKind kind;
  bool has_other;
  u32 kernel;
  Access at, other;
  u64 times;
};

constexpr u32 most_faults = 1024;
static Fault faults[most_faults];
static u32 fault_count, current_run;
static int report_file = -1;

static void say(const char *format, ...) {
  char text[1024];
  va_list values;
  va_start(values, format);
  const int length = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  if (write(report_file, text, size_t(length)) != length) _exit(3);
}

/** Each kind at each place once, the first ones first. */
static void fault(FaultKind kind, const Access &at, const Access *other) {
  static u32 last;
  const Site other_site = other ? other->site : 0;
  for (u32 i = 0; i < fault_count; i++) {
    Fault &f = faults[(last + i) % fault_count];
    const bool same = f.kind == kind && f.kernel == current_kernel && f.at.kind == at.kind && f.at.site == at.site
      && (f.has_other ? f.other.site : 0) == other_site;
    if (same) {
      f.times++;
      last = u32(&f - faults);
      return;
    }
  }
  if (fault_count == most_faults) return;
  faults[fault_count++] = { kind, other != nullptr, current_kernel, at, other ? *other : Access {}, 1 };
}

static void access_text(char *text, size_t size, const Access &a) {
  const char *const format =
    "{\"kind\":\"%s\",\"block\":%u,\"thread\":%u,\"%s\":%u,\"space\":%u,\"array\":%u,\"offset\":%lld}";
  snprintf(text, size, format, access_names[a.kind], a.block, a.thread, a.site & line_flag ? "line" : "pc",
    a.site & ~line_flag, a.space, a.array, (long long)a.offset);
}

static void say_faults() {
  for (u32 i = 0; i < fault_count; i++) {
    const Fault &f = faults[i];
    char at[256], other[256] = "null";
    access_text(at, sizeof at, f.at);
    if (f.has_other) access_text(other, sizeof other, f.other);
    say("{\"fault\":\"%s\",\"run\":%u,\"kernel\":%u,\"times\":%llu,\"at\":%s,\"other\":%s}\n",
      fault_names[f.kind], current_run, f.kernel, (unsigned long long)f.times, at, other);
  }
  fault_count = 0;
}

/**
 * The end of everything, also from a signal's handler. `why`: as engine.ts has it, or `unknown`: it is not the program's
 * fault. `at`: what the running thread was doing, where that is known.
 */
[[noreturn]] static void end(const char *why, const char *message, const Access *at) {
  char text[256] = "null";
  if (at) access_text(text, sizeof text, *at);
  say_faults();
  say("{\"ended\":\"%s\",\"kernel\":%u,\"message\":\"%s\",\"at\":%s}\n", why, current_kernel, message, text);
  _exit(0);
}

[[noreturn]] static void end_without_memory() {
  end("memory", "There is not enough memory for its tensors.", nullptr);
}

/** Zeros, which take memory only where they are touched; `access` as in mmap. */
static void *reserve(u64 bytes, int access) {
  void *p = mmap(nullptr, bytes ? bytes : 1, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

static void *allocate(u64 bytes) {
  void *p = reserve(bytes, PROT_READ | PROT_WRITE);
  if (!p) end_without_memory();
  return p;
}
