// histogram, for sm_80

static __device__ __forceinline__ int floor_div(int a, int b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static __device__ __forceinline__ unsigned atomic_add_shared(unsigned *element, unsigned value) {
  unsigned old;
  asm volatile("{ .reg .u64 address; cvta.to.shared.u64 address, %1; "
    "atom.shared.add.u32 %0, [address], %2; }"
    : "=r"(old) : "l"(element), "r"(value) : "memory");
  return old;
}

static __device__ __forceinline__ unsigned atomic_add_global(unsigned *element, unsigned value) {
  unsigned old;
  asm volatile("{ .reg .u64 address; cvta.to.global.u64 address, %1; "
    "atom.global.add.u32 %0, [address], %2; }"
    : "=r"(old) : "l"(element), "r"(value) : "memory");
  return old;
}

// grid (256), block (256), 256 bytes of shared memory
extern "C" __global__ void __launch_bounds__(256)
histogram(const int *__restrict__ x, unsigned *__restrict__ counts) {
  __shared__ unsigned bins[64];
  for (unsigned i = threadIdx.x; i < 64; i += 256) {
    bins[i] = 0;
  }
  __syncthreads();
  const int bin = floor_div(x[blockIdx.x * 256 + threadIdx.x], 3) & 63;

  atomic_add_shared(&bins[unsigned(bin)], 1u);
  __syncthreads();
  if (threadIdx.x < 64) {
    atomic_add_global(&counts[threadIdx.x], bins[threadIdx.x]);
  }
}
