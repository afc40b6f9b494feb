// reduce_sum.warp, for sm_80

static __device__ __forceinline__ float shfl_xor_sync(float value, unsigned distance) {
  float result;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, -1;"
    : "=f"(result) : "f"(value), "r"(distance));
  return result;
}

// grid (128), block (128)
extern "C" __global__ void __launch_bounds__(128, 16)
reduce_sum_warp(const float *__restrict__ x, float *__restrict__ y) {
  const unsigned row = blockIdx.x * 4 + threadIdx.x / 32;  // spatial(4, 1)
  const unsigned lane = threadIdx.x % 32;                  // spatial(1, 32)
  float total = 0.0f;

  #pragma unroll
  for (unsigned i = 0; i < 8; i++) {  // repeat(1, 8)
    __align__(16) float v[4];
    *(float4 *)v = *(const float4 *)&x[row * 1024 + i * 128 + lane * 4];
    #pragma unroll
    for (unsigned j = 0; j < 4; j++) {
      total += v[j];
    }
  }
  total += shfl_xor_sync(total, 16);
  total += shfl_xor_sync(total, 8);
  total += shfl_xor_sync(total, 4);
  total += shfl_xor_sync(total, 2);
  total += shfl_xor_sync(total, 1);
  if (lane == 0) {
    y[row] = total;
  }
}
