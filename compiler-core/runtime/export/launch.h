// How a kernel is launched, with CUDA or without: stands in front of each text in kernels/.
//
//     LAUNCHER(conv_relu_1, plain, 256, 1, 1, 0, ARGUMENT(const float, 0), ARGUMENT(float, 1))
//
// Behind a kernel: its kind (`fibers` where threads wait for each other, else `plain`), block and dynamic shared memory.
#pragma once

#ifdef __CUDACC__
#include <cuda_runtime.h>

#define ARGUMENT(type, i) (type *)arguments[i]
#define LAUNCHER(name, kind, x, y, z, shared, ...) \
  cudaError_t launch_##name(dim3 grid, void *const *arguments, cudaStream_t stream) { \
    if (shared > 49152) { \
      const cudaError_t status = cudaFuncSetAttribute(name, cudaFuncAttributeMaxDynamicSharedMemorySize, shared); \
      if (status != cudaSuccess) return status; \
    } \
    name<<<grid, dim3(x, y, z), shared, stream>>>(__VA_ARGS__); \
    return cudaGetLastError(); \
  }
#else
#include "cpu/cuda.h"

#define ARGUMENT HEDDLE_ARGUMENT
#define LAUNCHER(name, kind, x, y, z, shared, ...) LAUNCHER_##kind(name, x, y, z, __VA_ARGS__)
#define LAUNCHER_plain(name, x, y, z, ...) HEDDLE_PLAIN(run_##name, name, x, y, z, __VA_ARGS__)
#define LAUNCHER_fibers(name, x, y, z, ...) HEDDLE_FIBERS(run_##name, name, __VA_ARGS__)
#endif
