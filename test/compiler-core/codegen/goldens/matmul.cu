// batch_matmul.simt, for sm_80

// grid (64), block (256), 16384 bytes of shared memory
extern "C" __global__ void __launch_bounds__(256, 1)
batch_matmul_simt(const float *__restrict__ a, const float *__restrict__ b, float *__restrict__ c) {
  const unsigned bi = blockIdx.x / 8;            // spatial(m_tiles, n_tiles)
  const unsigned bj = blockIdx.x % 8;            // spatial(m_tiles, n_tiles)
  const unsigned line = threadIdx.x / 8;         // spatial(32, 8)
  const unsigned p = threadIdx.x % 8;            // spatial(32, 8)
  const unsigned warp_i = threadIdx.x / 64;      // spatial(4, 2)
  const unsigned warp_j = threadIdx.x / 32 % 2;  // spatial(4, 2)
  const unsigned lane_i = threadIdx.x % 32 / 8;  // spatial(4, 8)
  const unsigned lane_j = threadIdx.x % 8;       // spatial(4, 8)
  __shared__ __align__(16) float sa[2048];
  __shared__ __align__(16) float sb[2048];
  __align__(16) float ga[4];
  float gb[4];
  __align__(16) float ra[16];
  __align__(16) float rb[16];
  __align__(16) float acc[64] = {};

  #pragma unroll
  for (unsigned i = 0; i < 4; i++) {  // repeat(4, 1)
    ga[i] = a[(bi * 128 + line * 4 + i) * 1024 + p];
  }
  #pragma unroll
  for (unsigned j = 0; j < 4; j++) {  // repeat(1, 4)
    gb[j] = b[p * 1024 + bj * 128 + j * 32 + line];
  }
  *(float4 *)&sa[p * 128 + line * 4] = *(const float4 *)ga;
  #pragma unroll
  for (unsigned j = 0; j < 4; j++) {
    sb[p * 128 + j * 32 + line] = gb[j];
  }
  __syncthreads();
  #pragma unroll
  for (unsigned i = 0; i < 2; i++) {
    *(float4 *)&ra[i * 4] = *(const float4 *)&sa[warp_i * 32 + i * 16 + lane_i * 4];
  }
  #pragma unroll
  for (unsigned j = 0; j < 2; j++) {
    *(float4 *)&rb[j * 4] = *(const float4 *)&sb[warp_j * 64 + j * 32 + lane_j * 4];
  }
  for (unsigned t = 0; t < 127; t++) {
    #pragma unroll
    for (unsigned q = 0; q < 8; q++) {
      if (q == 0) {
        #pragma unroll
        for (unsigned i = 0; i < 4; i++) {  // repeat(4, 1)
          ga[i] = a[(bi * 128 + line * 4 + i) * 1024 + (t + 1) * 8 + p];
        }
        #pragma unroll
        for (unsigned j = 0; j < 4; j++) {  // repeat(1, 4)
          gb[j] = b[((t + 1) * 8 + p) * 1024 + bj * 128 + j * 32 + line];
        }
      }
      if (q == 7) {
        *(float4 *)&sa[(t + 1) % 2 * 1024 + p * 128 + line * 4] = *(const float4 *)ga;
        #pragma unroll
        for (unsigned j = 0; j < 4; j++) {
          sb[(t + 1) % 2 * 1024 + p * 128 + j * 32 + line] = gb[j];
        }
        __syncthreads();
        #pragma unroll
        for (unsigned i = 0; i < 2; i++) {
          *(float4 *)&ra[(q + 1) % 2 * 8 + i * 4] =
              *(const float4 *)&sa[(t + 1) % 2 * 1024 + warp_i * 32 + i * 16 + lane_i * 4];
        }
        #pragma unroll
        for (unsigned j = 0; j < 2; j++) {
          *(float4 *)&rb[(q + 1) % 2 * 8 + j * 4] =
              *(const float4 *)&sb[(t + 1) % 2 * 1024 + warp_j * 64 + j * 32 + lane_j * 4];
        }
      } else {
        #pragma unroll
        for (unsigned i = 0; i < 2; i++) {
          *(float4 *)&ra[(q + 1) % 2 * 8 + i * 4] =
              *(const float4 *)&sa[t % 2 * 1024 + (q + 1) * 128 + warp_i * 32 + i * 16 + lane_i * 4];
        }
        #pragma unroll
        for (unsigned j = 0; j < 2; j++) {
          *(float4 *)&rb[(q + 1) % 2 * 8 + j * 4] =
              *(const float4 *)&sb[t % 2 * 1024 + (q + 1) * 128 + warp_j * 64 + j * 32 + lane_j * 4];
        }
      }
      #pragma unroll
      for (unsigned i = 0; i < 8; i++) {
        #pragma unroll
        for (unsigned j = 0; j < 8; j++) {
          acc[i * 8 + j] += ra[q % 2 * 8 + i] * rb[q % 2 * 8 + j];
        }
      }
    }
  }
  #pragma unroll
  for (unsigned q = 0; q < 8; q++) {
    if (q < 7) {
      #pragma unroll
      for (unsigned i = 0; i < 2; i++) {
        *(float4 *)&ra[(q + 1) % 2 * 8 + i * 4] =
            *(const float4 *)&sa[1024 + (q + 1) * 128 + warp_i * 32 + i * 16 + lane_i * 4];
      }
      #pragma unroll
      for (unsigned j = 0; j < 2; j++) {
        *(float4 *)&rb[(q + 1) % 2 * 8 + j * 4] =
            *(const float4 *)&sb[1024 + (q + 1) * 128 + warp_j * 64 + j * 32 + lane_j * 4];
      }
    }
    #pragma unroll
    for (unsigned i = 0; i < 8; i++) {
      #pragma unroll
      for (unsigned j = 0; j < 8; j++) {
        acc[i * 8 + j] += ra[q % 2 * 8 + i] * rb[q % 2 * 8 + j];
      }
    }
  }
  #pragma unroll
  for (unsigned i = 0; i < 8; i++) {
    #pragma unroll
    for (unsigned j = 0; j < 2; j++) {
      *(float4 *)&c[(bi * 128 + warp_i * 32 + i / 4 * 16 + lane_i * 4 + i % 4) * 1024 + bj * 128 + warp_j * 64 + j * 32
          + lane_j * 4] = *(const float4 *)&acc[i * 8 + j * 4];
    }
  }
}
