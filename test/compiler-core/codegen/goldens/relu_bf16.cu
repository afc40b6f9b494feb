// relu.flat, for sm_80

struct bf16 {
  unsigned short bits;
  bf16() = default;
  explicit __device__ __forceinline__ bf16(float x) {
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  }
  explicit __device__ __forceinline__ operator float() const {
    const unsigned wide = unsigned(bits) << 16;
    return *(const float *)&wide;
  }
};

static __device__ __forceinline__ bf16 max(bf16 a, bf16 b) {
  bf16 c;
  asm("max.bf16 %0, %1, %2;" : "=h"(c.bits) : "h"(a.bits), "h"(b.bits));
  return c;
}

// grid (16), block (256)
extern "C" __global__ void __launch_bounds__(256)
relu_flat(const bf16 *__restrict__ x, bf16 *__restrict__ y) {
  const unsigned i = (blockIdx.x * 256 + threadIdx.x) * 8;
  __align__(16) bf16 v[8];

  *(uint4 *)v = *(const uint4 *)&x[i];
  #pragma unroll
  for (unsigned j = 0; j < 8; j++) {
    v[j] = max(v[j], bf16(0.0f));
  }
  *(uint4 *)&y[i] = *(const uint4 *)v;
}
