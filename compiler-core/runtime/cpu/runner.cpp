// Executes a plan: linked with the kernels' objects, told by a job what to call, on which memory.
//
//     runner JOB WEIGHTS INPUTS OUTPUTS PROGRESS
//
// The job is numbers and names, written by job.ts. Files are mapped: inputs are read where they lie, outputs written
// where they shall be. Progress is the number of the step that runs, from 1, whatever becomes of the program. Standard
// output tells of each step how long it took, or what went wrong.
#include "threads.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <initializer_list>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef uint32_t u32;
typedef uint64_t u64;

// ---------------------------------------------------------------- accidents

[[noreturn]] void heddle_accident(const char *what) {
  char text[512];
  const int length = snprintf(text, sizeof text, "accident %s\n", what);
  const ssize_t written = write(1, text, size_t(length));
  _exit(written == length ? 1 : 2);
}

static void on_signal(int signal) {
  switch (signal) {
    case SIGFPE: heddle_accident("it divides a whole number by zero");
    case SIGILL: heddle_accident("it executes an instruction that this processor does not have");
    case SIGALRM: case SIGXCPU: heddle_accident("time");
    default: heddle_accident("it accesses memory that belongs to no tensor");
  }
}

static void limit(int resource, u64 most) {
  rlimit now;
  if (getrlimit(__rlimit_resource_t(resource), &now)) return;
  if (now.rlim_max != RLIM_INFINITY && most > now.rlim_max) most = now.rlim_max;
  now.rlim_cur = most;
  setrlimit(__rlimit_resource_t(resource), &now);
}

static void prepare_for_accidents(u64 milliseconds, u64 bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, SIGXCPU }) {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_DATA, bytes);
  const itimerval timer = { {}, { time_t(milliseconds / 1000), suseconds_t(milliseconds % 1000 * 1000) } };
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// ---------------------------------------------------------------- the job

static const char *job;

static const char *word() {
  static char text[256];
  while (*job == ' ' || *job == '\n') job++;
  size_t n = 0;
  while (*job > ' ' && n + 1 < sizeof text) text[n++] = *job++;
  text[n] = 0;
  if (n == 0) heddle_accident("the job breaks off");
  return text;
}

static u64 number() { return strtoull(word(), nullptr, 10); }

static HeddleIndex index() {
  const u32 x = u32(number()), y = u32(number()), z = u32(number());
  return { x, y, z };
}

template <class T> static T *allocated(u64 count) {
  T *const all = (T *)calloc(count + 1, sizeof(T));
  if (!all) heddle_accident("there is too little memory");
  return all;
}

struct Memory { char *base; u64 bytes; };

static Memory mapped(const char *name, int flags, int protection, int sharing) {
  const int file = open(name, flags);
  struct stat about;
  if (file < 0 || fstat(file, &about)) heddle_accident("a file cannot be opened");
  const u64 bytes = u64(about.st_size);
  void *const base = mmap(nullptr, bytes > 0 ? bytes : 1, protection, sharing, file, 0);
  if (base == MAP_FAILED) heddle_accident("there is too little memory");
  return { (char *)base, bytes };
}

static Memory arena_of(u64 bytes) {
  void *const base = mmap(
    nullptr, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0
  );
  if (base == MAP_FAILED) heddle_accident("there is too little memory");
  return { (char *)base, bytes };
}

struct Tensor { char *base; u64 bytes; };
static Tensor *tensors;

/** In one of the memories, in their order: weights, inputs, outputs, arena. */
static void read_tensors(const Memory *memories) {
  const u64 count = number();
  tensors = allocated<Tensor>(count);
  for (u64 i = 0; i < count; i++) {
    const Memory &memory = memories[number() & 3];
    const u64 offset = number(), bytes = number();
    if (bytes > memory.bytes || offset > memory.bytes - bytes) heddle_accident("a tensor lies outside of its memory");
    tensors[i] = { memory.base + offset, bytes };
  }
}

static heddle::Kernel *kernels;

static void read_kernels() {
  const u64 count = number();
  kernels = allocated<heddle::Kernel>(count);
  for (u64 i = 0; i < count; i++) {
    heddle::Kernel &kernel = kernels[i];
    const bool waits = number() != 0;
    void *const function = dlsym(RTLD_DEFAULT, word());
    if (!function) heddle_accident("a kernel is missing");
    if (waits) kernel.fibers = (void (*)(void *const *))function;
    else kernel.plain = (void (*)(void *const *, HeddleIndex))function;
    kernel.block = index();
    if (u64(kernel.block.x) * kernel.block.y * kernel.block.z > heddle::most_threads) {
      heddle_accident("a block has more than 1024 threads");
    }
  }
}

// ---------------------------------------------------------------- running

static void launch() {
  const heddle::Kernel &kernel = kernels[number()];
  const HeddleIndex grid = index();
  const u64 count = number();
  void **const arguments = allocated<void *>(count);
  for (u64 i = 0; i < count; i++) arguments[i] = tensors[number()].base;
  heddle::launch(kernel, grid, arguments);
  free(arguments);
}

static void fill() {
  const Tensor to = tensors[number()];
  const u64 cell = number(), bits = number();
  for (u64 at = 0; at + cell <= to.bytes; at += cell) memcpy(to.base + at, &bits, cell);
}

static void copy() {
  const Tensor from = tensors[number()], to = tensors[number()];
  if (from.bytes != to.bytes) heddle_accident("a copy changes its size");
  memcpy(to.base, from.base, to.bytes);
}

static u64 microseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return u64(now.tv_sec) * 1000000 + u64(now.tv_nsec) / 1000;
}

/** A step begins with what it is: 0 a launch, 1 a fill, 2 a copy. */
static void run_steps(volatile u64 &current) {
  const u64 count = number();
  u64 *const times = allocated<u64>(count);
  u64 before = microseconds();
  for (u64 i = 0; i < count; i++) {
    current = i + 1;
    switch (number()) {
      case 0: launch(); break;
      case 1: fill(); break;
      default: copy();
    }
    const u64 now = microseconds();
    times[i] = now - before;
    before = now;
  }
  current = 0;
  printf("done");
  for (u64 i = 0; i < count; i++) printf(" %llu", (unsigned long long)times[i]);
  printf("\n");
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  job = mapped(arguments[1], O_RDONLY, PROT_READ, MAP_PRIVATE).base;
  const u64 milliseconds = number(), bytes = number(), threads = number();
  prepare_for_accidents(milliseconds, bytes);
  const Memory memories[4] = {
    mapped(arguments[2], O_RDONLY, PROT_READ, MAP_PRIVATE),
    mapped(arguments[3], O_RDONLY, PROT_READ, MAP_PRIVATE),
    mapped(arguments[4], O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED),
    arena_of(number())
  };
  const Memory progress = mapped(arguments[5], O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
  if (progress.bytes < sizeof(u64)) return 2;
  read_tensors(memories);
  read_kernels();
  heddle::start(u32(threads > 0 ? threads : 1));
  run_steps(*(volatile u64 *)progress.base);
  return 0;
}
