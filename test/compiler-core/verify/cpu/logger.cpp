// Runs a prepared kernel for a few threads, one after the other, on zeros, and writes down which instruction or line
// touches which memory:  "pc 11f4 x 128 read",  "line 44 s0 0 write".  p0, p1 ...: parameters, s0 ...: shared arrays.
#include <set>
#include <string>
#include <tuple>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct Index { unsigned x, y, z; };
static const uint64_t regionBytes = 1ull << 32, regions = 64, firstShared = 32;
static char *memory;
static std::set<std::tuple<bool, uint64_t, uint64_t, bool>> known;
extern "C" char __executable_start;

extern "C" {
Index heddle_thread_index, heddle_block_index;
}

static void note(bool isLine, uint64_t place, const volatile void *address, bool write) {
  const uint64_t offset = (const volatile char *)address - memory, region = offset / regionBytes;
  if (offset >= regions * regionBytes || !known.insert({isLine, place, region, write}).second) return;
  printf("%s %llx %c%d %llu %s\n", isLine ? "line" : "pc", (unsigned long long)place, region < firstShared ? 'p' : 's',
    int(region % firstShared), (unsigned long long)(offset % regionBytes), write ? "write" : "read");
}
static void atInstruction(const void *address, bool write, void *returns) {
  note(false, (char *)returns - &__executable_start - 1, address, write);
}

extern "C" {
#define ACCESS(bytes) \
  void __tsan_read##bytes(void *a) { atInstruction(a, false, __builtin_return_address(0)); } \
  void __tsan_write##bytes(void *a) { atInstruction(a, true, __builtin_return_address(0)); } \
  void __tsan_unaligned_read##bytes(void *a) { atInstruction(a, false, __builtin_return_address(0)); } \
  void __tsan_unaligned_write##bytes(void *a) { atInstruction(a, true, __builtin_return_address(0)); }
ACCESS(1) ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16)
void __tsan_read_range(void *a, unsigned long) { atInstruction(a, false, __builtin_return_address(0)); }
void __tsan_write_range(void *a, unsigned long) { atInstruction(a, true, __builtin_return_address(0)); }
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __ubsan_handle_out_of_bounds(void *, unsigned long) { abort(); }

void *heddle_shared(unsigned k, unsigned) { return memory + (firstShared + k) * regionBytes; }
void heddle_barrier(unsigned) {}
void heddle_trap(unsigned) { abort(); }
uint32_t heddle_shfl_bfly(uint32_t value, uint32_t, uint32_t, uint32_t, unsigned) { return value; }
uint32_t heddle_shfl_down(uint32_t value, uint32_t, uint32_t, uint32_t, unsigned) { return value; }
uint64_t heddle_to_shared(uint64_t address, unsigned) { return address; }
uint64_t heddle_to_global(uint64_t address, unsigned) { return address; }
uint32_t heddle_volatile_read_b32(const volatile void *a, unsigned line) {
  note(true, line, a, false);
  return 0;
}
#define ATOMIC(space, type, c) \
  c heddle_atomic_add_##space##_##type(uint64_t a, c, unsigned line) { note(true, line, (void *)a, true); return 0; }
#define ATOMICS(space) \
  ATOMIC(space, u32, uint32_t) ATOMIC(space, u64, uint64_t) ATOMIC(space, f32, float) ATOMIC(space, f64, double) \
  ATOMIC(space, f16, uint16_t) ATOMIC(space, bf16, uint16_t) \
  uint32_t heddle_atomic_cas_##space##_b32(uint64_t a, uint32_t compare, uint32_t, unsigned line) { \
    note(true, line, (void *)a, true); \
    return compare; \
  }
ATOMICS(shared)
ATOMICS(global)
void heddle_copy_async(uint64_t to, uint64_t from, uint32_t, uint32_t bytes, unsigned line) {
  note(true, line, (void *)to, true);
  if (bytes > 0) note(true, line, (void *)from, false);
}
void heddle_commit_group(unsigned) {}
void heddle_wait_group(uint32_t, unsigned) {}
void run_kernel(char *(*region)(unsigned));
}

static char *parameter(unsigned k) { return memory + k * regionBytes; }

int main(int, char **arguments) {
  memory = (char *)mmap(nullptr, regions * regionBytes, PROT_READ | PROT_WRITE,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 1;
  const unsigned threads = unsigned(atoi(arguments[1])), blocks = unsigned(atoi(arguments[2]));
  for (unsigned block : {0u, blocks - 1}) {
    for (unsigned thread : {0u, 1u, 33u % threads, threads - 1}) {
      heddle_block_index.x = block;
      heddle_thread_index.x = thread;
      run_kernel(parameter);
    }
  }
}
