// softmax.rows, for sm_80

static __device__ __forceinline__ float shfl_xor_sync(float value, unsigned distance) {
  float result;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, -1;"
    : "=f"(result) : "f"(value), "r"(distance));
  return result;
}

// grid (128), block (128)
extern "C" __global__ void __launch_bounds__(128)
softmax_rows(const float *__restrict__ x, float *__restrict__ y) {
  const unsigned row = blockIdx.x * 4 + threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  float held[32];
  float most = -INFINITY;

  #pragma unroll
  for (unsigned i = 0; i < 32; i++) {
    held[i] = i * 32 + lane < 1000 ? x[row * 1000 + i * 32 + lane] : -INFINITY;
    most = fmaxf(most, held[i]);
  }
  most = fmaxf(most, shfl_xor_sync(most, 16));
  most = fmaxf(most, shfl_xor_sync(most, 8));
  most = fmaxf(most, shfl_xor_sync(most, 4));
  most = fmaxf(most, shfl_xor_sync(most, 2));
  most = fmaxf(most, shfl_xor_sync(most, 1));
  float total = 0.0f;
  #pragma unroll
  for (unsigned i = 0; i < 32; i++) {
    held[i] = expf(held[i] - most);
    total += held[i];
  }
  total += shfl_xor_sync(total, 16);
  total += shfl_xor_sync(total, 8);
  total += shfl_xor_sync(total, 4);
  total += shfl_xor_sync(total, 2);
  total += shfl_xor_sync(total, 1);
  #pragma unroll
  for (unsigned i = 0; i < 32; i++) {
    if (i * 32 + lane < 1000) {
      y[row * 1000 + i * 32 + lane] = held[i] / total;
    }
  }
}
