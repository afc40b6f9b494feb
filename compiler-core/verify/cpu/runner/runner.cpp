// Runs kernels that g++ compiled: a program of its own, so that nothing they do harms who asked.
//
//     runner KERNELS.so JOB FOLDER      job.ts writes the job and reads FOLDER/report and FOLDER/outputs
//
// Exit 0 whenever the report tells the end; anything else is an accident.
#include "counts.h"
#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

// ---------------------------------------------------------------- the job

static const u8 *job, *job_end;

static u64 word() {
  u64 value;
  if (job + sizeof value > job_end) end("unknown", "The job is too short.", nullptr);
  memcpy(&value, job, sizeof value);
  job += sizeof value;
  return value;
}

struct Blob { u64 bytes; const u8 *data; };

static Blob blob() {
  const u64 bytes = word();
  const Blob b = { bytes, job };
  job += (bytes + 7) & ~7ull;
  if (job > job_end) end("unknown", "The job is too short.", nullptr);
  return b;
}

struct Kernel {
  Index grid, block;
  u32 first_array, arrays, argument_count;
  const void **arguments;
  void (*entry)(void *const *);
  /** The first of its launch. */
  u32 first_interval;
};

static Kernel *kernels;
static u32 kernel_count;
static u64 *fills;
static bool *has_fill;

static Index index_of_job() {
  const u32 x = u32(word()), y = u32(word()), z = u32(word());
  return { x, y, z };
}

static void read_memory() {
  const u32 arrays = u32(word());
  make_shared_arrays(arrays);
  for (u32 k = 0; k < arrays; k++) {
    const u32 bytes = u32(word());
    make_shared_array(k, bytes, u32(word()));
  }
  const u32 count = u32(word());
  make_tensors(count);
  fills = (u64 *)allocate(count * sizeof(u64));
  has_fill = (bool *)allocate(count);
  for (u32 k = 0; k < count; k++) {
    const TensorKind kind = TensorKind(word());
    const u64 bytes = word();
    const u32 log_cell = u32(word());
    has_fill[k] = word() != 0;
    fills[k] = word();
    make_tensor(k, kind, bytes, log_cell, has_fill[k]);
  }
}

static void read_kernels(void *object) {
  const u32 extents = u32(word());
  u32 *const values = (u32 *)allocate(extents * sizeof(u32));
  for (u32 i = 0; i < extents; i++) values[i] = u32(word());
  kernel_count = u32(word());
  kernels = (Kernel *)allocate(kernel_count * sizeof(Kernel));
  for (u32 i = 0; i < kernel_count; i++) {
    Kernel &k = kernels[i];
    k.grid = index_of_job();
    k.block = index_of_job();
    k.first_array = u32(word());
    k.arrays = u32(word());
    k.argument_count = u32(word());
    k.arguments = (const void **)allocate(k.argument_count * sizeof(void *));
    for (u32 a = 0; a < k.argument_count; a++) {
      const u64 number = word();
      k.arguments[a] = number >> 32 ? (const void *)&values[u32(number)] : (const void *)&tensors[number].base;
    }
    char name[32];
    snprintf(name, sizeof name, "heddle_entry_%u", i);
    k.entry = (void (*)(void *const *))dlsym(object, name);
    if (!k.entry) end("unknown", "A kernel is not in its object.", nullptr);
  }
}

extern "C" void *heddle_shared(unsigned k, unsigned bytes) {
  const bool fits = bytes == 0 || bytes == shared_arrays[k].bytes;
  if (!fits) end("unknown", "An array of shared memory has an unexpected size.", nullptr);
  return shared_arrays[k].base;
}

// ---------------------------------------------------------------- limits and accidents

static u64 milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return u64(now.tv_sec) * 1000 + u64(now.tv_nsec) / 1000000;
}

static u64 counter_of(void *context) {
#if defined(__x86_64__)
  return u64(((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP]);
#else
  return u64(((ucontext_t *)context)->uc_mcontext.pc);
#endif
}

static bool is_write(void *context) {
#if defined(__x86_64__)
  return ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2;
#else
  (void)context;
  return false;
#endif
}

static bool is_code(u64 counter) { return counter - code_base < code_end - code_base; }

/** Outside of the kernels' code: where the thread waited last. */
static Site site_of(u64 counter) {
  return is_code(counter) ? Site(counter - code_base) : fibers[current_thread].line | line_flag;
}

static bool is_in_stack_guard(u64 address) {
  for (u32 t = 0; t < most_threads; t++) {
    if (fibers[t].stack && address - u64(fibers[t].stack) < stack_guard) return true;
  }
  return false;
}

static void on_fault(int signal, siginfo_t *info, void *context) {
  const u64 address = u64(info->si_addr), counter = counter_of(context);
  if (signal == SIGSEGV && info->si_code == SEGV_ACCERR && appear(address)) return;
  const Access at = here(is_write(context) ? write_access : read_access, site_of(counter));
  if (is_in_stack_guard(address)) end("recursion", "A thread needs more stack than there is.", &at);
  if (signal == SIGFPE) end("crash", "A whole number is divided by zero.", nullptr);
  if (signal == SIGILL || signal == SIGTRAP) end("crash", "It executes an instruction that there is not.", nullptr);
  end("crash", "An access goes to memory that belongs to no tensor.", &at);
}

/** Where a thread is now is known while it runs code of a kernel, which it soon does. */
static void on_time(int signal, siginfo_t *, void *context) {
  static u32 patience = 100;
  const u64 counter = counter_of(context);
  if (!is_code(counter) && signal == SIGALRM && --patience > 0) {
    const itimerval soon = { {}, { 0, 1000 } };
    setitimer(ITIMER_REAL, &soon, nullptr);
    return;
  }
  const Access at = here(loop_access, site_of(counter));
  end("time", "It did not end within its time.", &at);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  if (sigaction(signal, &action, nullptr)) _exit(3);
}

static void limit(int resource, u64 most) {
  rlimit now;
  if (getrlimit(__rlimit_resource_t(resource), &now)) return;
  if (now.rlim_max != RLIM_INFINITY && most > now.rlim_max) most = now.rlim_max;
  now.rlim_cur = most;
  setrlimit(__rlimit_resource_t(resource), &now);
}

static void prepare_for_accidents(u64 time_limit, u64 memory_limit) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const u64 size = 64 << 10;
  stack_t stack = {};
  stack.ss_sp = allocate(size);
  stack.ss_size = size;
  sigaltstack(&stack, nullptr);
  for (const int signal : { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP }) handle(signal, on_fault);
  for (const int signal : { SIGALRM, SIGXCPU }) handle(signal, on_time);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, time_limit / 1000 + 2);
  limit(RLIMIT_DATA, memory_limit);
  const itimerval timer = { {}, { time_t(time_limit / 1000), suseconds_t(time_limit % 1000 * 1000) } };
  setitimer(ITIMER_REAL, &timer, nullptr);
}

static int find_code(dl_phdr_info *object, size_t, void *base) {
  if (object->dlpi_addr != *(u64 *)base) return 0;
  for (u32 i = 0; i < object->dlpi_phnum; i++) {
    const auto &part = object->dlpi_phdr[i];
    const u64 stop = object->dlpi_addr + part.p_vaddr + part.p_memsz;
    if (part.p_type == PT_LOAD && part.p_flags & PF_X && stop > code_end) code_end = stop;
  }
  return 1;
}

/** Before a name in what the loader says. */
static const char *const undefined = "undefined symbol: ";

[[noreturn]] static void end_unloaded(const char *reason) {
  char message[512];
  const char *const symbol = strstr(reason, undefined);
  if (symbol) {
    const char *const name = symbol + strlen(undefined);
    snprintf(message, sizeof message, "It calls `%.100s`, which the CPU engine does not know.", name);
  } else snprintf(message, sizeof message, "The compiled kernels cannot be loaded: %.400s.", reason);
  for (char *c = message; *c; c++) if (*c == '"' || *c == '\\' || *c < ' ') *c = '\'';
  end("unknown", message, nullptr);
}

static void *load(const char *file) {
  void *const object = dlopen(file, RTLD_NOW);
  if (!object) end_unloaded(dlerror());
  link_map *map;
  dlinfo(object, RTLD_DI_LINKMAP, &map);
  code_base = map->l_addr;
  dl_iterate_phdr(find_code, &code_base);
  return object;
}

// ---------------------------------------------------------------- running

struct Run {
  Order order;
  u64 seed, budget;
};
constexpr u64 no_budget = ~0ull;

static u64 common_divisor(u64 a, u64 b) { return b == 0 ? a : common_divisor(b, a % b); }

/** Every number below `count` once, in an order that the seed decides. */
struct Scattered { u64 count, step, start; };

static Scattered scattered(u64 count, u64 seed) {
  u64 step = mixed(seed, 1) % count | 1;
  while (common_divisor(step, count) != 1) step += 2;
  return { count, step % count, mixed(seed, 2) % count };
}

static u64 scattered_at(const Scattered &s, u64 i) {
  return u64((unsigned __int128)s.step * i % s.count + s.start) % s.count;
}

static Index block_index(u64 block, Index grid) {
  return { u32(block % grid.x), u32(block / grid.x % grid.y), u32(block / grid.x / grid.y) };
}

static bool is_corner(Index b, Index grid) {
  return (b.x == 0 || b.x == grid.x - 1) && (b.y == 0 || b.y == grid.y - 1) && (b.z == 0 || b.z == grid.z - 1);
}

static void start_block(const Kernel &k, u64 block) {
  for (u32 a = 0; a < k.arrays; a++) clear_shared_array(shared_arrays[k.first_array + a]);
  forget_copies();
  if (counting) for (u32 t = 0; t < thread_count; t++) turns_of_threads[t].depth = 0;
  waiting_at_barrier = 0;
  barrier_differs = false;
  memset(waiting_lanes, 0, sizeof waiting_lanes);
  run_block(u32(block), block_index(block, k.grid));
}

static void make_threads(const Kernel &k) {
  thread_count = k.block.x * k.block.y * k.block.z;
  if (thread_count > most_threads) end("unknown", "A block has more than 1024 threads.", nullptr);
  for (u32 t = 0; t < thread_count; t++) {
    thread_indices[t] = { t % k.block.x, t / k.block.x % k.block.y, t / k.block.x / k.block.y };
    if (fibers[t].stack) continue;
    fibers[t].stack = (char *)allocate(stack_guard + stack_bytes);
    if (mprotect(fibers[t].stack, stack_guard, PROT_NONE)) end_without_memory();
  }
}

/** The number of blocks that were run. */
static u64 launch(Kernel &k, const Run &run) {
  make_threads(k);
  kernel_entry = k.entry;
  kernel_arguments = (void *const *)k.arguments;
  thread_order = run.order;
  launch_interval = k.first_interval = interval + 1;
  const u64 total = u64(k.grid.x) * k.grid.y * k.grid.z, start = milliseconds();
  const Scattered anyhow = scattered(total, run.seed);
  const bool limited = run.budget != no_budget;
  u64 done = 0;
  if (limited) {
    for (u32 corner = 0; corner < 8 && !stopped; corner++) {
      const u32 x = corner & 1 ? k.grid.x - 1 : 0, y = corner & 2 ? k.grid.y - 1 : 0, z = corner & 4 ? k.grid.z - 1 : 0;
      const bool is_far = (!(corner & 1) || x > 0) && (!(corner & 2) || y > 0) && (!(corner & 4) || z > 0);
      if (!is_far) continue; // it is one that was
      start_block(k, (u64(z) * k.grid.y + y) * k.grid.x + x);
      done += !stopped;
    }
  }
  for (u64 i = 0; i < total && !stopped; i++) {
    if (limited && milliseconds() - start >= run.budget) break;
    const u64 block = limited || run.order == random_order ? scattered_at(anyhow, i)
      : run.order == reverse_order ? total - 1 - i : i;
    if (limited && is_corner(block_index(block, k.grid), k.grid)) continue;
    start_block(k, block);
    done += !stopped;
  }
  return done;
}

static void set_memory(const Blob *const *inputs) {
  u32 input = 0;
  for (u32 i = 0; i < tensor_count; i++) {
    Tensor &t = tensors[i];
    forget_marks(t);
    memset(t.base, 0xff, to_pages(t.bytes));
    if (t.kind == input_tensor) {
      const Blob &b = *inputs[input++];
      if (b.bytes != t.bytes) end("unknown", "An input has an unexpected size.", nullptr);
      memcpy(t.base, b.data, b.bytes);
    }
    const u64 cell = 1ull << t.log_cell;
    if (has_fill[i]) for (u64 at = 0; at < t.bytes; at += cell) memcpy(t.base + at, &fills[i], cell);
  }
  clear_stray_pages();
}

static void put(int file, const void *data, u64 bytes) {
  const char *at = (const char *)data;
  while (bytes > 0) {
    const ssize_t n = write(file, at, bytes < 1 << 30 ? bytes : 1 << 30);
    if (n <= 0) end("unknown", "The outputs could not be written.", nullptr);
    at += n;
    bytes -= u64(n);
  }
}

static u32 kernel_of(u32 an_interval) {
  u32 k = kernel_count - 1;
  while (k > 0 && kernels[k].first_interval > an_interval) k--;
  return k;
}

static bool is_written(const Tensor &t, u64 first, u64 count) {
  for (u64 c = first; c < first + count; c++) if (t.writers[c].interval || (t.adders && t.adders[c].interval)) return true;
  return false;
}

/**
 * Of each output those parts of 4096 cells in which something was written: the first cell, how many (0: no more parts),
 * the cells in whole words, then who wrote each last: kernel, block, thread plus 1 (0: nobody), site.
 */
static void put_outputs(int file) {
  for (u32 i = 0; i < tensor_count; i++) {
    const Tensor &t = tensors[i];
    if (t.kind != output_tensor) continue;
    const u64 cells = t.bytes >> t.log_cell;
    constexpr u64 at_once = 4096;
    u32 text[at_once][4];
    for (u64 first = 0; first < cells; first += at_once) {
      const u64 n = cells - first < at_once ? cells - first : at_once;
      if (!is_written(t, first, n)) continue;
      const u64 part[] = { first, n };
      put(file, part, sizeof part);
      put(file, t.base + (first << t.log_cell), ((n << t.log_cell) + 7) & ~7ull); // behind the last cell, a page goes on
      for (u64 c = 0; c < n; c++) {
        const Mark &writer = t.writers[first + c];
        const Mark &last = t.adders && t.adders[first + c].interval > writer.interval ? t.adders[first + c] : writer;
        text[c][0] = kernel_of(last.interval);
        text[c][1] = last.block;
        text[c][2] = last.interval ? last.thread + 1u : 0;
        text[c][3] = last.site;
      }
      put(file, text, n * sizeof text[0]);
    }
    const u64 no_more[] = { 0, 0 };
    put(file, no_more, sizeof no_more);
  }
}

static void run_all(u32 count, const Blob *blobs, u32 inputs, bool counts, int outputs) {
  const Blob **const given = (const Blob **)allocate(inputs * sizeof(Blob *));
  for (current_run = 0; current_run < count; current_run++) {
    const Order order = Order(word());
    const u64 seed = word(), budget = word();
    for (u32 i = 0; i < inputs; i++) given[i] = &blobs[word()];
    random_state = mixed(seed, 3) | 1;
    interval = 0;
    stopped = false;
    set_memory(given);
    counting = counts && current_run == 0;
    unsigned long long blocks = 0, total = 0;
    for (current_kernel = 0; current_kernel < kernel_count && !stopped; current_kernel++) {
      Kernel &k = kernels[current_kernel];
      total = u64(k.grid.x) * k.grid.y * k.grid.z;
      blocks = launch(k, { order, seed, current_kernel == kernel_count - 1 ? budget : no_budget });
    }
    say_faults();
    say("{\"run\":%u,\"blocks\":%llu,\"total\":%llu}\n", current_run, blocks, total);
    put_outputs(outputs);
  }
}

static Blob file_content(const char *name) {
  const int file = open(name, O_RDONLY);
  struct stat about;
  if (file < 0 || fstat(file, &about)) _exit(3);
  void *const data = mmap(nullptr, size_t(about.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) _exit(3);
  return { u64(about.st_size), (const u8 *)data };
}

static int new_file(const char *folder, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) _exit(3);
  return file;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  report_file = new_file(arguments[3], "report");
  const Blob content = file_content(arguments[2]);
  job = content.data;
  job_end = job + content.bytes;
  const u64 time_limit = word(), memory_limit = word();
  const bool counts = word() != 0;
  prepare_for_accidents(time_limit, memory_limit);
  void *const object = load(arguments[1]);
  read_memory();
  read_kernels(object);
  if (counts) make_counts();
  const u32 blob_count = u32(word());
  Blob *const blobs = (Blob *)allocate(blob_count * sizeof(Blob));
  for (u32 i = 0; i < blob_count; i++) blobs[i] = blob();
  const u32 runs = u32(word()), inputs = u32(word());
  run_all(runs, blobs, inputs, counts, new_file(arguments[3], "outputs"));
  say_counts();
  say("{\"done\":true}\n");
  return 0;
}
