// Calls wrappers of the CUDA text, which stand in wrappers.h, and writes down what they give: for each case a line
// "name bytes" and the bytes. Standard input: a count, how many of them are not for `pair`, then so many words; each is
// taken as f32 by `each`, and with its neighbour by `pair`.
#include <stdio.h>

static unsigned lineSeen;
static const uint64_t sharedTag = 1ull << 60, globalTag = 1ull << 61;

// ---------------------------------------------------------------- the runtime, where each function leaves its mark

template <class T>
static T exchange(uint64_t address, uint64_t tag, T (*change)(T, T), T value, unsigned line) {
  if ((address & (sharedTag | globalTag)) != tag) __builtin_abort();
  lineSeen = line;
  T *const element = (T *)(address & ~tag), old = *element;
  *element = change(old, value);
  return old;
}
template <class T> static T sum(T a, T b) { return a + b; }
static uint16_t sumOfF16(uint16_t a, uint16_t b) { return ptx_add_rn_f16(a, b); }
static uint16_t sumOfBf16(uint16_t a, uint16_t b) { return ptx_cvt_rn_bf16_f32(heddle_wide(a) + heddle_wide(b)); }

static struct Copy { uint64_t to, from; uint32_t bytes, sourceBytes; } copySeen;
static uint32_t groupsCommitted, groupsPending, trapsSeen, casCalls;

extern "C" {
uint32_t heddle_shfl_bfly(uint32_t value, uint32_t distance, uint32_t clamp, uint32_t members, unsigned line) {
  if (clamp != 31 || members != 0xffffffff) __builtin_abort();
  lineSeen = line;
  return value + 3 * distance;
}
uint32_t heddle_shfl_down(uint32_t value, uint32_t distance, uint32_t clamp, uint32_t members, unsigned line) {
  return heddle_shfl_bfly(value, 0 - distance, clamp, members, line);
}
uint64_t heddle_to_shared(uint64_t generic, unsigned) { return generic | sharedTag; }
uint64_t heddle_to_global(uint64_t generic, unsigned) { return generic | globalTag; }
uint32_t heddle_volatile_read_b32(const volatile void *address, unsigned line) {
  lineSeen = line;
  return *(const volatile uint32_t *)address;
}
#define ATOMIC(space, type, c, change) \
  c heddle_atomic_add_##space##_##type(uint64_t address, c value, unsigned line) { \
    return exchange<c>(address, space##Tag, change, value, line); \
  }
#define ATOMICS(space) \
  ATOMIC(space, u32, uint32_t, sum) ATOMIC(space, u64, uint64_t, sum) ATOMIC(space, f32, float, sum) \
  ATOMIC(space, f64, double, sum) ATOMIC(space, f16, uint16_t, sumOfF16) ATOMIC(space, bf16, uint16_t, sumOfBf16) \
  uint32_t heddle_atomic_cas_##space##_b32(uint64_t address, uint32_t compare, uint32_t value, unsigned line) { \
    if ((address & (sharedTag | globalTag)) != space##Tag) __builtin_abort(); \
    lineSeen = line; \
    uint32_t *const word = (uint32_t *)(address & ~space##Tag), old = *word; \
    if (casCalls++ == 0) return old + 1; /* as if another thread had been faster */ \
    if (casCalls > 100) __builtin_abort(); \
    if (old == compare) *word = value; \
    return old; \
  }
ATOMICS(shared)
ATOMICS(global)
void heddle_copy_async(uint64_t to, uint64_t from, uint32_t bytes, uint32_t sourceBytes, unsigned line) {
  lineSeen = line;
  copySeen = {to, from, bytes, sourceBytes};
}
void heddle_commit_group(unsigned) { groupsCommitted++; }
void heddle_wait_group(uint32_t pending, unsigned) { groupsPending = pending; }
}
static void trapSeen() { trapsSeen++; }
#define heddle_trap(line) trapSeen()
#include "wrappers.h"

// ---------------------------------------------------------------- cases

static void give(const char *name, const void *bytes, size_t size) {
  printf("%s %zu\n", name, size);
  fwrite(bytes, 1, size, stdout);
}

static uint32_t *words, count, firstPair;

// One result of 32 bits for each word from the first on, and the one behind it.
template <class F>
static void from(uint32_t first, const char *name, F f) {
  uint32_t *const results = new uint32_t[count];
  for (uint32_t i = first; i < count - 1; i++) results[i - first] = f(words[i], words[i + 1]);
  give(name, results, (count - 1 - first) * 4);
  delete[] results;
}
template <class F> static void each(const char *name, F f) { from(0, name, f); }
template <class F> static void pair(const char *name, F f) { from(firstPair, name, f); }

static uint32_t bitsOf(float x) { return heddle_bits<uint32_t>(x); }
static float f32(uint32_t bits) { return heddle_bits<float>(bits); }
static uint32_t smallBits(f16 x) { return x.bits; }
static uint32_t smallBits(bf16 x) { return x.bits; }
static uint32_t smallBits(tf32 x) { return bitsOf(x.value); }

template <class Small> static Small small(uint32_t word);
template <> f16 small<f16>(uint32_t word) { return heddle_of<f16>((unsigned short)(word >> 16)); }
template <> bf16 small<bf16>(uint32_t word) { return heddle_of<bf16>((unsigned short)(word >> 16)); }
template <> tf32 small<tf32>(uint32_t word) { return tf32(f32(word)); }

template <class Small>
static void arithmetic(const char *type) {
  char name[40];
  const auto of = [&](const char *what) {
    snprintf(name, sizeof name, "%s %s", type, what);
    return name;
  };
  typedef uint32_t u;
  each(of("from"), [](u a, u) { return smallBits(Small(f32(a))); });
  each(of("to"), [](u a, u) { return bitsOf(float(small<Small>(a))); });
#define OPERATOR(o) pair(of(#o), [](u a, u b) { return smallBits(small<Small>(a) o small<Small>(b)); });
  OPERATOR(+) OPERATOR(-) OPERATOR(*) OPERATOR(/)
#define COMPARISON(o) pair(of(#o), [](u a, u b) { return u(small<Small>(a) o small<Small>(b)); });
  COMPARISON(<) COMPARISON(<=) COMPARISON(==) COMPARISON(!=)
  pair(of("min"), [](u a, u b) { return smallBits(min(small<Small>(a), small<Small>(b))); });
  pair(of("max"), [](u a, u b) { return smallBits(max(small<Small>(a), small<Small>(b))); });
  pair(of("negate"), [](u a, u) { return smallBits(-small<Small>(a)); });
}

template <class T>
static void shuffles(const char *type, T value) {
  char name[40];
  T results[2];
  results[0] = shfl_xor_sync(value, 5); const unsigned first = lineSeen == __LINE__;
  results[1] = shfl_down_sync(value, 3); const unsigned second = lineSeen == __LINE__;
  snprintf(name, sizeof name, "shuffle %s %u%u", type, first, second);
  give(name, results, sizeof results);
}

/** Of five neighbours the third, twice; then all five, and what was there before. */
template <class T>
static void atomics(const char *type, T start, T value) {
  char name[40];
  for (int shared = 0; shared < 2; shared++) {
    __align__(8) T elements[8];
    for (T &element : elements) element = start;
    lineSeen = 0;
    casCalls = 0;
    const T old = shared ? atomic_add_shared(&elements[2], value) : atomic_add_global(&elements[2], value); const unsigned line = __LINE__;
    const T then = shared ? atomic_add_shared(&elements[2], value) : atomic_add_global(&elements[2], value);
    const T results[] = {elements[1], elements[2], elements[3], old, then};
    snprintf(name, sizeof name, "atomic %s %d %d", type, shared, lineSeen == line + 1);
    give(name, results, sizeof results);
  }
}

int main() {
  if (fread(&count, 4, 1, stdin) != 1 || fread(&firstPair, 4, 1, stdin) != 1) return 1;
  words = new uint32_t[count];
  if (fread(words, 4, count, stdin) != count) return 1;
  arithmetic<f16>("f16");
  arithmetic<bf16>("bf16");
  arithmetic<tf32>("tf32");
  typedef uint32_t u;
  pair("sin", [](u a, u) { return bitsOf(sin_f32(f32(a))); });
  pair("cos", [](u a, u) { return bitsOf(cos_f32(f32(a))); });
  pair("mul_rn", [](u a, u b) { return bitsOf(mul_rn(f32(a), f32(b)) + f32(a)); });
  pair("floor_div", [](u a, u b) { return u(floor_div(int(a), int(b | 1) == -1 ? 3 : int(b | 1))); });
  pair("floor_mod", [](u a, u b) { return u(floor_mod(int(a), int(b | 1) == -1 ? 3 : int(b | 1))); });
  shuffles<double>("f64", 1.25);
  shuffles<float>("f32", 1.25f);
  shuffles<long long>("i64", 0x123456789all);
  shuffles<unsigned long long>("u64", 0xfedcba9876543210ull);
  shuffles<int>("i32", -70000);
  shuffles<unsigned>("u32", 4000000000u);
  shuffles<short>("i16", -300);
  shuffles<unsigned short>("u16", 60000);
  shuffles<signed char>("i8", -100);
  shuffles<unsigned char>("u8", 200);
  shuffles<f16>("f16", f16(1.5f));
  shuffles<bf16>("bf16", bf16(-1.5f));
  shuffles<tf32>("tf32", tf32(2.5f));
  atomics<double>("f64", 1.25, -0.5);
  atomics<float>("f32", 1.25f, -0.5f);
  atomics<long long>("i64", -5, 4000000000000ll);
  atomics<unsigned long long>("u64", 5, 4000000000000ull);
  atomics<int>("i32", -5, 70000);
  atomics<unsigned>("u32", 5, 4000000000u);
  atomics<short>("i16", 32000, 700);
  atomics<unsigned short>("u16", 65000, 700);
  atomics<signed char>("i8", 100, 100);
  atomics<unsigned char>("u8", 200, 100);
  atomics<f16>("f16", f16(2048.0f), f16(3.0f));
  atomics<bf16>("bf16", bf16(256.0f), bf16(3.0f));
  atomics<tf32>("tf32", tf32(1.5f), tf32(0.25f));
  trap();
  commit_group();
  wait_group<2>();
  const uint32_t seen[] = {trapsSeen, groupsCommitted, groupsPending};
  give("effects", seen, sizeof seen);
#define COPY(bytes) \
  copy_async_##bytes((void *)0x1000, (const void *)0x2000); \
  give("copy " #bytes, &copySeen, sizeof copySeen); \
  copy_async_##bytes((void *)0x3000, (const void *)0x4000, false); \
  give("copy " #bytes " outside", &copySeen, sizeof copySeen); \
  copy_async_##bytes((void *)0x5000, (const void *)0x6000, true); \
  give("copy " #bytes " inside", &copySeen, sizeof copySeen);
  COPY(4) COPY(8) COPY(16)
}
