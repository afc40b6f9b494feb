// batch_matmul.simt, for sm_80

// grid ((m + 127) / 128 * ((n + 127) / 128)), block (256), 16384 bytes of shared memory
extern "C" __global__ void __launch_bounds__(256, 1)
batch_matmul_simt(
  const float *__restrict__ a,
  const float *__restrict__ b,
  float *__restrict__ c,
  unsigned m,
  unsigned n,
  unsigned k
) {
  const unsigned bi = blockIdx.x / ((n + 127) / 128);  // spatial(m_tiles, n_tiles)
  const unsigned bj = blockIdx.x % ((n + 127) / 128);  // spatial(m_tiles, n_tiles)
  const unsigned line = threadIdx.x / 8;               // spatial(32, 8)
  const unsigned p = threadIdx.x % 8;                  // spatial(32, 8)
  const unsigned warp_i = threadIdx.x / 64;            // spatial(4, 2)
  const unsigned warp_j = threadIdx.x / 32 % 2;        // spatial(4, 2)
  const unsigned lane_i = threadIdx.x % 32 / 8;        // spatial(4, 8)
  const unsigned lane_j = threadIdx.x % 8;             // spatial(4, 8)
  const unsigned last = (k + 7) / 8 - 1;
  const unsigned first = k - last * 8;
  __shared__ __align__(16) float sa[2048];
  __shared__ __align__(16) float sb[2048];
  __align__(16) float ga[4];
  float gb[4];
  __align__(16) float ra[16];
  __align__(16) float rb[16];
  float acc[64] = {};

  #pragma unroll
  for (unsigned i = 0; i < 4; i++) {  // repeat(4, 1)
    ga[i] = bi * 128 + line * 4 + i < m && p < first ? a[(bi * 128 + line * 4 + i) * k + p] : 0.0f;
  }
  #pragma unroll
  for (unsigned j = 0; j < 4; j++) {  // repeat(1, 4)
    gb[j] = bj * 128 + j * 32 + line < n && p < first ? b[p * n + bj * 128 + j * 32 + line] : 0.0f;
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
  for (unsigned t = 0; t < last; t++) {
    #pragma unroll
    for (unsigned q = 0; q < 8; q++) {
      if (q == 0) {
        #pragma unroll
        for (unsigned i = 0; i < 4; i++) {  // repeat(4, 1)
          ga[i] = bi * 128 + line * 4 + i < m ? a[(bi * 128 + line * 4 + i) * k + first + t * 8 + p] : 0.0f;
        }
        #pragma unroll
        for (unsigned j = 0; j < 4; j++) {  // repeat(1, 4)
          gb[j] = bj * 128 + j * 32 + line < n ? b[(first + t * 8 + p) * n + bj * 128 + j * 32 + line] : 0.0f;
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
            *(const float4 *)&sa[last % 2 * 1024 + (q + 1) * 128 + warp_i * 32 + i * 16 + lane_i * 4];
      }
      #pragma unroll
      for (unsigned j = 0; j < 2; j++) {
        *(float4 *)&rb[(q + 1) % 2 * 8 + j * 4] =
            *(const float4 *)&sb[last % 2 * 1024 + (q + 1) * 128 + warp_j * 64 + j * 32 + lane_j * 4];
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
    for (unsigned j = 0; j < 8; j++) {
      if (bi * 128 + warp_i * 32 + i / 4 * 16 + lane_i * 4 + i % 4 < m
          && bj * 128 + warp_j * 64 + j / 4 * 32 + lane_j * 4 + j % 4 < n) {
        c[(bi * 128 + warp_i * 32 + i / 4 * 16 + lane_i * 4 + i % 4) * n + bj * 128 + warp_j * 64 + j / 4 * 32
            + lane_j * 4 + j % 4] = acc[i * 8 + j];
      }
    }
  }
}
