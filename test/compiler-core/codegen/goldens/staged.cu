// transpose.staged, for sm_80

// grid (1), block (16, 16), 65536 bytes of dynamic shared memory
extern "C" __global__ void __launch_bounds__(256)
transpose_staged_turn(const float *__restrict__ x, float *__restrict__ partial) {
  extern __shared__ __align__(16) unsigned char shared_memory[];
  float (&tile)[16384] = *(float (*)[16384])shared_memory;

  #pragma unroll 1
  for (unsigned s = 0; s < 64; s++) {
    tile[s * 256 + threadIdx.x] = x[s * 256 + threadIdx.x];
  }
  __syncthreads();

  float (&turned)[4096] = *(float (*)[4096])shared_memory;
  #pragma unroll 1
  for (unsigned s = 0; s < 16; s++) {
    turned[s * 256 + threadIdx.x] = turned[(s * 256 + threadIdx.x) ^ 1];
  }
  __syncthreads();
  #pragma unroll 1
  for (unsigned s = 0; s < 16; s++) {
    partial[s * 256 + threadIdx.x] = turned[s * 256 + threadIdx.x];
  }
}

// grid (1), block (128)
extern "C" __global__ void __launch_bounds__(128)
transpose_staged_give(float *__restrict__ y, const float *__restrict__ partial) {
  #pragma unroll 1
  for (unsigned s = 0; s < 32; s++) {
    y[s * 128 + threadIdx.x] = partial[s * 128 + threadIdx.x];
  }
}
