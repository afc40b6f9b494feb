// relu.flat, for sm_80

// grid (16), block (256)
extern "C" __global__ void __launch_bounds__(256)
relu_flat(const float *__restrict__ x, float *__restrict__ y) {
  const unsigned i = (blockIdx.x * 256 + threadIdx.x) * 4;
  __align__(16) float v[4];

  *(float4 *)v = *(const float4 *)&x[i];
  #pragma unroll
  for (unsigned j = 0; j < 4; j++) {
    v[j] = fmaxf(v[j], 0.0f);
  }
  *(float4 *)&y[i] = *(const float4 *)v;
}
