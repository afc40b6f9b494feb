// CUDA as g++ sees it: what stands in front of a kernel's text, which is then ordinary C++ that runs at full speed.
//
//     __global__ void k(float *x) { x[threadIdx.x] = 1; }         HEDDLE_PLAIN: each block is a loop over its threads
//     __global__ void k(float *x) { ... __syncthreads(); ... }    HEDDLE_FIBERS: threads.h switches between threads
//
// No header is read, so that a kernel compiles in a blink. A file whose kernels wait for other threads defines
// HEDDLE_WAITS first. All is linked into one program that is not relocatable: then what belongs to a thread of the
// machine, such as shared memory, costs no more than what belongs to all.
#pragma once

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

#define __global__ inline __attribute__((always_inline))
#define __device__
#define __constant__ const
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// A block is run by one thread of the machine.
#define __shared__ thread_local

// ---------------------------------------------------------------- vectors

#define HEDDLE_VECTOR(name, type, bytes, ...) struct __attribute__((aligned(bytes), may_alias)) name { type __VA_ARGS__; };
#define HEDDLE_VECTORS(name, type, bytes) \
  HEDDLE_VECTOR(name##2, type, 2 * bytes, x, y) \
  HEDDLE_VECTOR(name##4, type, 4 * bytes, x, y, z, w)
HEDDLE_VECTORS(char, signed char, 1)
HEDDLE_VECTORS(uchar, unsigned char, 1)
HEDDLE_VECTORS(short, short, 2)
HEDDLE_VECTORS(ushort, unsigned short, 2)
HEDDLE_VECTORS(int, int, 4)
HEDDLE_VECTORS(uint, unsigned, 4)
HEDDLE_VECTORS(float, float, 4)
HEDDLE_VECTOR(longlong2, long long, 16, x, y)
HEDDLE_VECTOR(ulonglong2, unsigned long long, 16, x, y)
HEDDLE_VECTOR(double2, double, 16, x, y)
#undef HEDDLE_VECTORS
#undef HEDDLE_VECTOR

// ---------------------------------------------------------------- numbers

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#define HEDDLE_FUNCTION_1(name) float name##f(float); double name(double);
#define HEDDLE_FUNCTION_2(name) float name##f(float, float); double name(double, double);
extern "C" {
HEDDLE_FUNCTION_1(exp) HEDDLE_FUNCTION_1(exp2) HEDDLE_FUNCTION_1(expm1) HEDDLE_FUNCTION_1(log) HEDDLE_FUNCTION_1(log2)
HEDDLE_FUNCTION_1(log10) HEDDLE_FUNCTION_1(log1p) HEDDLE_FUNCTION_1(sqrt) HEDDLE_FUNCTION_1(cbrt)
HEDDLE_FUNCTION_1(sin) HEDDLE_FUNCTION_1(cos) HEDDLE_FUNCTION_1(tan) HEDDLE_FUNCTION_1(asin) HEDDLE_FUNCTION_1(acos)
HEDDLE_FUNCTION_1(atan) HEDDLE_FUNCTION_1(sinh) HEDDLE_FUNCTION_1(cosh) HEDDLE_FUNCTION_1(tanh)
HEDDLE_FUNCTION_1(asinh) HEDDLE_FUNCTION_1(acosh) HEDDLE_FUNCTION_1(atanh) HEDDLE_FUNCTION_1(erf) HEDDLE_FUNCTION_1(erfc)
HEDDLE_FUNCTION_1(lgamma) HEDDLE_FUNCTION_1(tgamma) HEDDLE_FUNCTION_1(fabs) HEDDLE_FUNCTION_1(floor)
HEDDLE_FUNCTION_1(ceil) HEDDLE_FUNCTION_1(trunc) HEDDLE_FUNCTION_1(round) HEDDLE_FUNCTION_1(rint)
HEDDLE_FUNCTION_1(nearbyint)
HEDDLE_FUNCTION_2(pow) HEDDLE_FUNCTION_2(fmod) HEDDLE_FUNCTION_2(atan2) HEDDLE_FUNCTION_2(hypot)
HEDDLE_FUNCTION_2(copysign)
float fmaf(float, float, float);
double fma(double, double, double);
int abs(int);
long long llabs(long long);
}
#undef HEDDLE_FUNCTION_1
#undef HEDDLE_FUNCTION_2

// The library's are called; these are two instructions. The other operand where one is no number.
#define HEDDLE_EXTREMES(type, suffix) \
  static __forceinline__ type heddle_fmin##suffix(type a, type b) { \
    const type least = a < b ? a : b; \
    return b != b ? a : least; \
  } \
  static __forceinline__ type heddle_fmax##suffix(type a, type b) { \
    const type most = a > b ? a : b; \
    return b != b ? a : most; \
  }
HEDDLE_EXTREMES(float, f)
HEDDLE_EXTREMES(double, )
#undef HEDDLE_EXTREMES
#define fminf heddle_fminf
#define fmaxf heddle_fmaxf
#define fmin heddle_fmin
#define fmax heddle_fmax

static inline float rsqrtf(float x) { return float(1 / sqrt(double(x))); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }

#define HEDDLE_EXTREMES(type) \
  static __forceinline__ type min(type a, type b) { return a < b ? a : b; } \
  static __forceinline__ type max(type a, type b) { return a < b ? b : a; }
HEDDLE_EXTREMES(int)
HEDDLE_EXTREMES(unsigned)
HEDDLE_EXTREMES(long long)
HEDDLE_EXTREMES(unsigned long long)
#undef HEDDLE_EXTREMES

// ---------------------------------------------------------------- threads

struct HeddleIndex { unsigned x, y, z; };

#ifdef HEDDLE_WAITS
extern __thread HeddleIndex heddle_thread_index, heddle_block_index;
#else
// Nobody else can reach them, so that loops keep them in registers.
static __thread HeddleIndex heddle_thread_index, heddle_block_index;
#endif
#define threadIdx heddle_thread_index
#define blockIdx heddle_block_index

extern "C" {
void heddle_barrier();
uint32_t heddle_exchange(uint32_t value, uint32_t lane);
uint32_t heddle_lane();
void heddle_trap(unsigned line) __attribute__((noreturn));
}
#define __syncthreads() heddle_barrier()

/** A kernel whose threads need not wait for each other: one after the other, of blocks of x * y * z threads. */
#define HEDDLE_PLAIN(entry, kernel, size_x, size_y, size_z, ...) \
  extern "C" void entry(void *const *heddle_arguments, HeddleIndex heddle_block) { \
    heddle_block_index = heddle_block; \
    for (unsigned z = 0; z < size_z; z++) { \
      for (unsigned y = 0; y < size_y; y++) { \
        for (unsigned x = 0; x < size_x; x++) { \
          heddle_thread_index = { x, y, z }; \
          kernel(__VA_ARGS__); \
        } \
      } \
    } \
  }
/** A kernel of which each thread is called by itself, on a stack of its own. */
#define HEDDLE_FIBERS(entry, kernel, ...) \
  extern "C" void entry(void *const *heddle_arguments) { kernel(__VA_ARGS__); }
#define HEDDLE_ARGUMENT(type, i) (type *)heddle_arguments[i]
