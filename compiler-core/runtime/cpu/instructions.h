// The PTX instructions of a text's wrappers that need other threads or memory; those of values are in ptx.h. Shared
// memory is the memory of the one thread of the machine that runs the block; global memory is shared by all.
#pragma once
#include "ptx.h"

// ---------------------------------------------------------------- shuffles

/** PTX ISA, "shfl.sync": `clamp` holds the segment mask in bits 8 to 12 and the last lane in bits 0 to 4. */
static __forceinline__ uint32_t heddle_last_lane(uint32_t lane, uint32_t clamp) {
  const uint32_t segment = clamp >> 8 & 31;
  return (lane & segment) | (clamp & 31 & ~segment);
}

static __forceinline__ uint32_t heddle_shfl_bfly(
  uint32_t value, uint32_t distance, uint32_t clamp, uint32_t, unsigned
) {
  const uint32_t lane = heddle_lane(), source = lane ^ (distance & 31);
  return heddle_exchange(value, source <= heddle_last_lane(lane, clamp) ? source : lane);
}

static __forceinline__ uint32_t heddle_shfl_down(
  uint32_t value, uint32_t distance, uint32_t clamp, uint32_t, unsigned
) {
  const uint32_t lane = heddle_lane(), source = lane + (distance & 31);
  return heddle_exchange(value, source <= heddle_last_lane(lane, clamp) ? source : lane);
}

// ---------------------------------------------------------------- memory

static __forceinline__ uint64_t heddle_to_shared(uint64_t generic, unsigned) { return generic; }
static __forceinline__ uint64_t heddle_to_global(uint64_t generic, unsigned) { return generic; }

/** What is read may change at any time. */
static __forceinline__ uint32_t heddle_volatile_read_b32(const volatile void *address, unsigned) {
  return *(const volatile uint32_t *)address;
}

/** Bytes without a source are zeros. Nobody may look before the wait, so that it is done at once. */
static __forceinline__ void heddle_copy_async(
  uint64_t shared, uint64_t global, uint32_t bytes, uint32_t source_bytes, unsigned
) {
  if (source_bytes == bytes) __builtin_memcpy((void *)shared, (const void *)global, bytes);
  else {
    __builtin_memset((void *)shared, 0, bytes);
    __builtin_memcpy((void *)shared, (const void *)global, source_bytes);
  }
}
static __forceinline__ void heddle_commit_group(unsigned) {}
static __forceinline__ void heddle_wait_group(uint32_t, unsigned) {}

// ---------------------------------------------------------------- atomics

template <class T> static __forceinline__ T heddle_plain_sum(T a, T b) { return a + b; }
static __forceinline__ uint16_t heddle_f16_sum(uint16_t a, uint16_t b) { return ptx_add_rn_f16(a, b); }
static __forceinline__ uint16_t heddle_bf16_sum(uint16_t a, uint16_t b) {
  return ptx_cvt_rn_bf16_f32(heddle_wide(a) + heddle_wide(b));
}

template <class T, T sum(T, T)>
static __forceinline__ T heddle_add_alone(uint64_t address, T value) {
  T *const element = (T *)address;
  const T old = *element;
  *element = sum(old, value);
  return old;
}

template <class T, T sum(T, T)>
static __forceinline__ T heddle_add_among_others(uint64_t address, T value) {
  T *const element = (T *)address;
  T old, wanted;
  __atomic_load(element, &old, __ATOMIC_RELAXED);
  do wanted = sum(old, value);
  while (!__atomic_compare_exchange(element, &old, &wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return old;
}

#define HEDDLE_ATOMIC_ADD(name, type, sum) \
  static __forceinline__ type heddle_atomic_add_shared_##name(uint64_t at, type x, unsigned) { \
    return heddle_add_alone<type, sum>(at, x); \
  } \
  static __forceinline__ type heddle_atomic_add_global_##name(uint64_t at, type x, unsigned) { \
    return heddle_add_among_others<type, sum>(at, x); \
  }
HEDDLE_ATOMIC_ADD(f16, uint16_t, heddle_f16_sum)
HEDDLE_ATOMIC_ADD(bf16, uint16_t, heddle_bf16_sum)
HEDDLE_ATOMIC_ADD(u32, uint32_t, heddle_plain_sum)
HEDDLE_ATOMIC_ADD(u64, uint64_t, heddle_plain_sum)
HEDDLE_ATOMIC_ADD(f32, float, heddle_plain_sum)
HEDDLE_ATOMIC_ADD(f64, double, heddle_plain_sum)
#undef HEDDLE_ATOMIC_ADD

static __forceinline__ uint32_t heddle_atomic_cas_shared_b32(uint64_t at, uint32_t compare, uint32_t value, unsigned) {
  uint32_t *const word = (uint32_t *)at;
  const uint32_t old = *word;
  if (old == compare) *word = value;
  return old;
}
static __forceinline__ uint32_t heddle_atomic_cas_global_b32(uint64_t at, uint32_t compare, uint32_t value, unsigned) {
  __atomic_compare_exchange_n((uint32_t *)at, &compare, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return compare;
}
