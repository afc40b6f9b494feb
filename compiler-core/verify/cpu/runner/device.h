// CUDA as g++ sees it: put in front of a kernel's text, which is then ordinary C++ that calls the runner.
//
//     __global__ void k(float *x) { x[threadIdx.x] = 1; __syncthreads(); }
//  -> void k(float *x) { x[heddle_thread_index.x] = 1; heddle_barrier(12); }
//
// No header is read, so that a kernel compiles in a blink. HEDDLE_COUNTS: loops tell the runner of their turns.
#pragma once

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

#define __global__
#define __device__
#define __constant__ const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

// Moved as one, from any address: what is misaligned is told by the runner, not by a crash.
typedef float float2 __attribute__((vector_size(8), aligned(4), may_alias));
typedef float float4 __attribute__((vector_size(16), aligned(8), may_alias));
typedef double double2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef unsigned uint2 __attribute__((vector_size(8), aligned(4), may_alias));
typedef unsigned uint4 __attribute__((vector_size(16), aligned(8), may_alias));

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

extern "C" {
float expf(float), logf(float), tanhf(float), erff(float), powf(float, float), sqrtf(float), fabsf(float);
float floorf(float), ceilf(float), rintf(float), fmaf(float, float, float), fminf(float, float), fmaxf(float, float);
double exp(double), log(double), tanh(double), erf(double), pow(double, double), sqrt(double), fabs(double);
double floor(double), ceil(double), rint(double), sin(double), cos(double);
double fma(double, double, double), fmin(double, double), fmax(double, double);
int abs(int);
long long llabs(long long);
}

static inline float rsqrtf(float x) { return float(1 / sqrt(double(x))); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }

#define HEDDLE_MINIMUM(type) \
  static inline type min(type a, type b) { return a < b ? a : b; } \
  static inline type max(type a, type b) { return a < b ? b : a; }
HEDDLE_MINIMUM(int)
HEDDLE_MINIMUM(unsigned)
HEDDLE_MINIMUM(long long)
HEDDLE_MINIMUM(unsigned long long)
#undef HEDDLE_MINIMUM

// ---------------------------------------------------------------- the runner's side

struct HeddleIndex { unsigned x, y, z; };

extern "C" {
// of the running thread; constants as far as a thread can see
extern const HeddleIndex heddle_thread_index, heddle_block_index;

// The k-th array of shared memory in the text.
void *heddle_shared(unsigned k, unsigned bytes);
void heddle_barrier(unsigned line);
void heddle_trap(unsigned line) __attribute__((noreturn));

// As the PTX instructions, with their operands. `line`: of the call in the text.
uint32_t heddle_shfl_bfly(uint32_t value, uint32_t distance, uint32_t clamp, uint32_t members, unsigned line);
uint32_t heddle_shfl_down(uint32_t value, uint32_t distance, uint32_t clamp, uint32_t members, unsigned line);
uint64_t heddle_to_shared(uint64_t generic, unsigned line);
uint64_t heddle_to_global(uint64_t generic, unsigned line);
uint32_t heddle_volatile_read_b32(const volatile void *address, unsigned line);
#define HEDDLE_ATOMICS(space) \
  uint32_t heddle_atomic_add_##space##_u32(uint64_t address, uint32_t value, unsigned line); \
  uint64_t heddle_atomic_add_##space##_u64(uint64_t address, uint64_t value, unsigned line); \
  float heddle_atomic_add_##space##_f32(uint64_t address, float value, unsigned line); \
  double heddle_atomic_add_##space##_f64(uint64_t address, double value, unsigned line); \
  uint16_t heddle_atomic_add_##space##_f16(uint64_t address, uint16_t value, unsigned line); \
  uint16_t heddle_atomic_add_##space##_bf16(uint64_t address, uint16_t value, unsigned line); \
  uint32_t heddle_atomic_cas_##space##_b32(uint64_t address, uint32_t compare, uint32_t value, unsigned line);
HEDDLE_ATOMICS(shared)
HEDDLE_ATOMICS(global)
#undef HEDDLE_ATOMICS
void heddle_copy_async(uint64_t shared, uint64_t global, uint32_t bytes, uint32_t source_bytes, unsigned line);
void heddle_commit_group(unsigned line);
void heddle_wait_group(uint32_t pending, unsigned line);

// A turn of a loop begins; the loop is left.
void heddle_step(unsigned loop);
void heddle_done(unsigned loop);
}

#define threadIdx heddle_thread_index
#define blockIdx heddle_block_index
#define __syncthreads() heddle_barrier(__LINE__)
#ifdef HEDDLE_COUNTS
#define HEDDLE_STEP(loop) heddle_step(loop)
#define HEDDLE_DONE(loop) heddle_done(loop)
#else
#define HEDDLE_STEP(loop)
#define HEDDLE_DONE(loop)
#endif
