// Shared and global memory: where it lies, and what each access is checked for.
//
// Every array of shared memory and every tensor lies alone in a wide range of addresses, so that any address tells
// which one is meant even where an index is far outside. What is remembered of a cell (an element) suffices to find
// every pair of accesses that nothing orders, whichever of the two comes first:
//
//     two writes, or a write and a read, of different threads in one interval between barriers     race
//     the same of different blocks in one launch                                                   race
//     two writes of an output in one launch by different threads                                   double write
//
// Of readers and of atomics two are kept for each cell: with two different ones, at least one differs from whoever
// comes next.
#pragma once
#include "report.h"

static void count_access(u32 array, Space space, AccessKind kind, i64 offset, u32 bytes, Site site); // counts.h
static bool counting;

/** What the running thread does, in no memory. */
static Access here(AccessKind kind, Site site) {
  return { kind, nowhere, u16(current_thread), current_block, site, 0, 0 };
}

static const u64 page = u64(sysconf(_SC_PAGESIZE));
static u64 to_pages(u64 bytes) { return (bytes + page - 1) & ~(page - 1); }

// ---------------------------------------------------------------- shared memory

/** What every access looks at. A thread is kept as its number plus 1; 0: nobody. */
struct SharedCell {
  /** Of the writer, the readers and the atomics; what is older counts no more. */
  u32 interval;
  u16 writer, reader, second_reader, atomic;
  /** Of an asynchronous copy that has not arrived. */
  u16 copier;
  bool initialised;
};
/** What a fault tells of a cell, and changes more seldom. */
struct SharedPast {
  Site writer, reader, second_reader, atomic, second_atomic, copier;
  u16 second_atomic_thread;
};

struct SharedArray {
  char *base;
  u32 bytes, log_cell;
  SharedCell *cells;
  SharedPast *pasts;
};

constexpr u32 log_shared_range = 20, shared_lead = 1u << 19;
static SharedArray *shared_arrays;
static u64 shared_base, shared_end;

static void make_shared_arrays(u32 count) {
  shared_arrays = (SharedArray *)allocate(count * sizeof(SharedArray));
  char *const all = (char *)reserve(u64(count) << log_shared_range, PROT_NONE);
  if (!all) end_without_memory();
  shared_base = u64(all);
  shared_end = shared_base + (u64(count) << log_shared_range);
}

static void make_shared_array(u32 k, u32 bytes, u32 log_cell) {
  SharedArray &a = shared_arrays[k];
  a.base = (char *)shared_base + (u64(k) << log_shared_range) + shared_lead;
  a.bytes = bytes;
  a.log_cell = log_cell;
  if (mprotect(a.base, to_pages(bytes), PROT_READ | PROT_WRITE)) end_without_memory();
  a.cells = (SharedCell *)allocate(u64(bytes >> log_cell) * sizeof(SharedCell));
  a.pasts = (SharedPast *)allocate(u64(bytes >> log_cell) * sizeof(SharedPast));
}

/** A block finds shared memory full of NaN, and nothing in it written. */
static void clear_shared_array(SharedArray &a) {
  memset(a.base, 0xff, to_pages(a.bytes));
  memset((void *)a.cells, 0, u64(a.bytes >> a.log_cell) * sizeof(SharedCell));
}

static Access shared_access(AccessKind kind, u32 thread, Site site, u32 array, i64 offset) {
  return { kind, in_shared, u16(thread), current_block, site, array, offset };
}

static void shared_fault(FaultKind kind, const Access &at, AccessKind other_kind, u16 other_thread, Site other_site) {
  if (other_thread == 0) return fault(kind, at, nullptr);
  const Access other = shared_access(other_kind, other_thread - 1u, other_site, at.array, at.offset);
  fault(kind, at, &other);
}

static __attribute__((noinline)) void slow_shared_cell(SharedArray &a, u32 c, AccessKind kind, Site site, u16 self) {
  SharedCell &cell = a.cells[c];
  SharedPast &past = a.pasts[c];
  const Access at = shared_access(kind, self - 1u, site, u32(&a - shared_arrays), i64(c) << a.log_cell);
  if (cell.interval != interval) {
    cell.interval = interval;
    cell.writer = cell.reader = cell.second_reader = cell.atomic = past.second_atomic_thread = 0;
  }
  if (cell.copier) shared_fault(not_arrived, at, write_access, cell.copier, past.copier);
  else if (kind != write_access && !cell.initialised) {
    fault(uninitialised, at, nullptr);
    cell.initialised = true;
  }
  if (cell.writer && cell.writer != self) shared_fault(race, at, write_access, cell.writer, past.writer);
  if (kind != atomic_access && cell.atomic) {
    if (cell.atomic != self) shared_fault(race, at, atomic_access, cell.atomic, past.atomic);
    else if (past.second_atomic_thread) {
      shared_fault(race, at, atomic_access, past.second_atomic_thread, past.second_atomic);
    }
  }
  if (kind != read_access && cell.reader) {
    if (cell.reader != self) shared_fault(race, at, read_access, cell.reader, past.reader);
    else if (cell.second_reader) shared_fault(race, at, read_access, cell.second_reader, past.second_reader);
  }
  switch (kind) {
    case read_access:
      if (!cell.reader) cell.reader = self, past.reader = site;
      else if (cell.reader != self && !cell.second_reader) cell.second_reader = self, past.second_reader = site;
      break;
    case atomic_access:
      if (!cell.atomic) cell.atomic = self, past.atomic = site;
      else if (cell.atomic != self && !past.second_atomic_thread) {
        past.second_atomic_thread = self;
        past.second_atomic = site;
      }
      cell.initialised = true;
      break;
    default:
      cell.writer = self;
      past.writer = site;
      cell.initialised = true;
  }
}

static inline void check_shared(u64 address, u32 bytes, AccessKind kind, Site site) {
  const u64 at = address - shared_base;
  const u32 k = u32(at >> log_shared_range);
  SharedArray &a = shared_arrays[k];
  const i64 offset = i64(at & ((1u << log_shared_range) - 1)) - shared_lead;
  const bool is_outside = offset < 0 || u64(offset) + bytes > a.bytes;
  if (is_outside || at & (bytes - 1)) {
    const Access wrong = shared_access(kind, current_thread, site, k, offset);
    return fault(is_outside ? out_of_bounds : misaligned, wrong, nullptr);
  }
  if (counting) count_access(k, in_shared, kind, offset, bytes, site);
  const u16 self = u16(current_thread + 1);
  const u32 first = u32(offset) >> a.log_cell, last = (u32(offset) + bytes - 1) >> a.log_cell;
  for (u32 c = first; c <= last; c++) {
    const SharedCell &cell = a.cells[c];
    const bool known = kind == read_access && cell.interval == interval && (cell.reader == self || cell.second_reader)
      && (!cell.writer || cell.writer == self) && !cell.atomic && !cell.copier && cell.initialised;
    if (!known) slow_shared_cell(a, c, kind, site, self);
  }
}

// ---------------------------------------------------------------- global memory

enum TensorKind : u32 { input_tensor, output_tensor, workspace_tensor };

/** Who accessed a cell; of no interval: nobody. */
struct Mark {
  u32 interval, block;
  Site site;
  u16 thread;
};

struct Tensor {
  char *base;
  u64 bytes;
  u32 log_cell;
  TensorKind kind;
  /** Every cell has a value before the first kernel. */
  bool filled;
  /** One for each cell; all but the first only where there are such accesses. `adders`: the last of the atomics. */
  Mark *writers, *readers, *second_readers, *atomics, *second_atomics, *adders;
};

static Tensor *tensors;
static u32 tensor_count, log_tensor_range;
static u64 global_base, global_end;
/** The first interval of the running launch. */
static u32 launch_interval;

/** Wide enough for any 32-bit index of the widest elements where the machine has that many addresses. */
static void make_tensors(u32 count) {
  tensor_count = count;
  tensors = (Tensor *)allocate((count ? count : 1) * sizeof(Tensor));
  for (log_tensor_range = 37; log_tensor_range >= 32; log_tensor_range--) {
    if (char *all = (char *)reserve(u64(count) << log_tensor_range, PROT_NONE)) {
      global_base = u64(all);
      global_end = global_base + (u64(count) << log_tensor_range);
      return;
    }
  }
  end_without_memory();
}

static Mark *make_marks(const Tensor &t) { return (Mark *)allocate((t.bytes >> t.log_cell) * sizeof(Mark)); }

static void make_tensor(u32 k, TensorKind kind, u64 bytes, u32 log_cell, bool filled) {
  Tensor &t = tensors[k];
  t.base = (char *)global_base + (u64(k) << log_tensor_range) + (1ull << (log_tensor_range - 1));
  t.bytes = bytes;
  t.log_cell = log_cell;
  t.kind = kind;
  t.filled = filled || kind == input_tensor;
  const bool fits = bytes <= 1ull << (log_tensor_range - 1);
  if (!fits || mprotect(t.base, to_pages(bytes), PROT_READ | PROT_WRITE)) end_without_memory();
  if (kind != input_tensor) t.writers = make_marks(t);
}

static void forget_marks(const Tensor &t) {
  for (Mark *marks : { t.writers, t.readers, t.second_readers, t.atomics, t.second_atomics, t.adders }) {
    if (marks) madvise((void *)marks, (t.bytes >> t.log_cell) * sizeof(Mark), MADV_DONTNEED);
  }
}

static bool was_written(const Tensor &t, u64 c) {
  return t.filled || t.writers[c].interval || (t.atomics && t.atomics[c].interval);
}

static bool is_same_thread(const Mark &m) { return m.block == current_block && m.thread == current_thread; }
static bool is_of_launch(const Mark &m) { return m.interval >= launch_interval; }
static bool is_unordered(const Mark &m) {
  return is_of_launch(m) && (m.block != current_block || (m.interval == interval && m.thread != current_thread));
}

/** Keeps that of two marks, or both, which conflict with whoever comes next if any former one does. */
static void remember(Mark &first, Mark &second, const Mark &now) {
  if (!is_of_launch(first)) first = now, second = Mark {};
  else if (first.block != now.block) {
    if (!is_of_launch(second) || second.block == first.block) second = now;
  } else if (is_of_launch(second) && second.block != first.block) return;
  else if (first.interval != now.interval) first = now, second = Mark {};
  else if (first.thread != now.thread && !is_of_launch(second)) second = now;
}

static void tensor_fault(FaultKind kind, const Access &at, AccessKind other_kind, const Mark &m) {
  const Access other = { other_kind, in_global, m.thread, m.block, m.site, at.array, at.offset };
  fault(kind, at, &other);
}

/** That of two others' accesses with which the current thread's is not ordered. */
static const Mark *unordered(const Mark *first, const Mark *second, u64 c) {
  if (!first) return nullptr;
  return is_unordered(first[c]) ? &first[c] : is_unordered(second[c]) ? &second[c] : nullptr;
}

static void remember_in(const Tensor &t, Mark *&first, Mark *&second, u64 c, const Mark &now) {
  if (!first) {
    first = make_marks(t);
    second = make_marks(t);
  }
  remember(first[c], second[c], now);
}

static void check_cell(Tensor &t, u64 c, AccessKind kind, Site site) {
  const Access at = {
    kind, in_global, u16(current_thread), current_block, site, u32(&t - tensors), i64(c << t.log_cell)
  };
  const Mark now = { interval, current_block, site, u16(current_thread) };
  Mark &writer = t.writers[c];
  if (kind != write_access && !was_written(t, c)) fault(uninitialised, at, nullptr);
  if (kind == write_access && t.kind == output_tensor && is_of_launch(writer) && !is_same_thread(writer)) {
    tensor_fault(double_write, at, write_access, writer);
  } else if (is_unordered(writer)) tensor_fault(race, at, write_access, writer);
  if (const Mark *m = kind == atomic_access ? nullptr : unordered(t.atomics, t.second_atomics, c)) {
    tensor_fault(race, at, atomic_access, *m);
  }
  if (const Mark *m = kind == read_access ? nullptr : unordered(t.readers, t.second_readers, c)) {
    tensor_fault(race, at, read_access, *m);
  }
  switch (kind) {
    case read_access: return remember_in(t, t.readers, t.second_readers, c, now);
    case atomic_access:
      remember_in(t, t.atomics, t.second_atomics, c, now);
      if (!t.adders) t.adders = make_marks(t);
      t.adders[c] = now;
      return;
    default: writer = now;
  }
}

static inline void check_global(u64 address, u32 bytes, AccessKind kind, Site site) {
  const u32 k = u32((address - global_base) >> log_tensor_range);
  Tensor &t = tensors[k];
  const i64 offset = i64(address - u64(t.base));
  const bool is_outside = offset < 0 || u64(offset) + bytes > t.bytes;
  if (is_outside || address & (bytes - 1)) {
    const Access wrong = { kind, in_global, u16(current_thread), current_block, site, k, offset };
    return fault(is_outside ? out_of_bounds : misaligned, wrong, nullptr);
  }
  if (counting) count_access(k, in_global, kind, offset, bytes, site);
  if (t.kind == input_tensor) return; // the text cannot write it
  const u64 last = u64(offset + bytes - 1) >> t.log_cell;
  for (u64 c = u64(offset) >> t.log_cell; c <= last; c++) check_cell(t, c, kind, site);
}

// ---------------------------------------------------------------- accesses

static bool is_shared(u64 address) { return address - shared_base < shared_end - shared_base; }
static bool is_global(u64 address) { return address - global_base < global_end - global_base; }

/** What is neither is a thread's own. */
static inline void check(u64 address, u32 bytes, AccessKind kind, Site site) {
  if (is_shared(address)) check_shared(address, bytes, kind, site);
  else if (is_global(address)) check_global(address, bytes, kind, site);
}

/** Where the kernels' object is loaded. */
static u64 code_base, code_end;

#define CALLER Site(u64(__builtin_return_address(0)) - 1 - code_base)
#define ACCESS(bytes) \
  extern "C" void __tsan_read##bytes(void *p) { check(u64(p), bytes, read_access, CALLER); } \
  extern "C" void __tsan_write##bytes(void *p) { check(u64(p), bytes, write_access, CALLER); } \
  extern "C" void __tsan_unaligned_read##bytes(void *p) { check(u64(p), bytes, read_access, CALLER); } \
  extern "C" void __tsan_unaligned_write##bytes(void *p) { check(u64(p), bytes, write_access, CALLER); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
#undef ACCESS
extern "C" void __tsan_read_range(void *p, u64 bytes) { check(u64(p), u32(bytes), read_access, CALLER); }
extern "C" void __tsan_write_range(void *p, u64 bytes) { check(u64(p), u32(bytes), write_access, CALLER); }
extern "C" void __tsan_init() {}
extern "C" void __tsan_func_entry(void *) {}
extern "C" void __tsan_func_exit() {}

/** As GCC lays out what it tells of a failed `-fsanitize=bounds`. */
struct OutOfBounds {
  const char *file;
  u32 line, column;
  const void *array_type, *index_type;
};

extern "C" void __ubsan_handle_out_of_bounds(OutOfBounds *data, u64 index) {
  Access at = here(read_access, data->line | line_flag);
  at.offset = i64(index);
  fault(out_of_bounds, at, nullptr);
}

// ---------------------------------------------------------------- what lies around

constexpr u32 most_stray_pages = 4096;
static char *stray_pages[most_stray_pages];
static u32 stray_count;

/** Memory around tensors appears when it is touched, full of NaN: a program goes on behind an access out of bounds. */
static bool appear(u64 address) {
  if ((!is_shared(address) && !is_global(address)) || stray_count == most_stray_pages) return false;
  char *const start = (char *)(address & ~(page - 1));
  if (mprotect(start, page, PROT_READ | PROT_WRITE)) return false;
  memset(start, 0xff, page);
  stray_pages[stray_count++] = start;
  return true;
}

static void clear_stray_pages() {
  for (u32 i = 0; i < stray_count; i++) memset(stray_pages[i], 0xff, page);
}
