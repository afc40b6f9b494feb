// The model on a GPU: all launches are captured once as a CUDA graph, and a run is one launch of it.
#include "tensors.h"
#include <cuda_runtime.h>
#include <new>

#define KERNEL(name, kind, x, y, z) cudaError_t launch_##name(dim3 grid, void *const *arguments, cudaStream_t stream);
#include "kernels.h"
#undef KERNEL

struct model {
  cudaStream_t stream;
  cudaGraphExec_t graph;
  char *weights, *arena, *inputs[INPUTS + 1], *outputs[OUTPUTS + 1];
};

static bool fine(cudaError_t status) {
  if (status == cudaSuccess) return true;
  snprintf(error_text, sizeof error_text, "CUDA: %s", cudaGetErrorString(status));
  return false;
}

/** `count` elements of 2^`log_bytes` bytes. */
[[maybe_unused]] static __global__ void fill(char *to, int log_bytes, unsigned long long bits, size_t count) {
  const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  switch (log_bytes) {
    case 0: ((unsigned char *)to)[i] = (unsigned char)bits; break;
    case 1: ((unsigned short *)to)[i] = (unsigned short)bits; break;
    case 2: ((unsigned *)to)[i] = (unsigned)bits; break;
    default: ((unsigned long long *)to)[i] = bits;
  }
}

/** Everything between inputs and outputs, in order. */
static bool launch_all(model &m) {
#define WEIGHTS(offset) (m.weights + (offset))
#define ARENA(offset) (m.arena + (offset))
#define INPUT(index) m.inputs[index]
#define OUTPUT(index) m.outputs[index]
#define LAUNCH(name, x, y, z, ...) { \
    void *const arguments[] = { __VA_ARGS__ }; \
    if (!fine(launch_##name(dim3(x, y, z), arguments, m.stream))) return false; \
  }
#define FILL(to, log_bytes, bits, count) { \
    fill<<<((count) + 255) / 256, 256, 0, m.stream>>>(to, log_bytes, bits, count); \
    if (!fine(cudaGetLastError())) return false; \
  }
#define COPY(to, from, bytes) if (!fine(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, m.stream))) return false;
#include "steps.h"
  return true;
}

static bool allocate(char **memory, size_t bytes) {
  return fine(cudaMalloc((void **)memory, bytes > 0 ? bytes : 1)) && fine(cudaMemset(*memory, 0, bytes > 0 ? bytes : 1));
}

static bool prepare(model &m, const char *weights) {
  if (!fine(cudaStreamCreateWithFlags(&m.stream, cudaStreamNonBlocking))) return false;
  if (!allocate(&m.weights, WEIGHT_BYTES) || !allocate(&m.arena, ARENA_BYTES)) return false;
  for (int i = 0; i < INPUTS; i++) if (!allocate(&m.inputs[i], inputs_of_model[i].bytes)) return false;
  for (int i = 0; i < OUTPUTS; i++) if (!allocate(&m.outputs[i], outputs_of_model[i].bytes)) return false;
  const bool loaded = read_weights(weights, [&m](const char *part, size_t at, size_t count) {
    return fine(cudaMemcpy(m.weights + at, part, count, cudaMemcpyHostToDevice));
  });
  // the first time kernels are loaded, which is not to be captured
  if (!loaded || !fine(cudaDeviceSynchronize()) || !launch_all(m) || !fine(cudaStreamSynchronize(m.stream))) return false;
  cudaGraph_t graph = nullptr;
  if (!fine(cudaStreamBeginCapture(m.stream, cudaStreamCaptureModeThreadLocal))) return false;
  const bool captured = launch_all(m);
  if (!fine(cudaStreamEndCapture(m.stream, &graph)) || !captured) return false;
  const bool instantiated = fine(cudaGraphInstantiateWithFlags(&m.graph, graph, 0));
  cudaGraphDestroy(graph);
  return instantiated;
}

model *model_create(const char *weights) {
  model *const m = new (std::nothrow) model();
  if (!m) snprintf(error_text, sizeof error_text, "there is too little memory");
  if (m && prepare(*m, weights)) return m;
  model_destroy(m);
  return nullptr;
}

int model_run(model *m, const void *const *inputs, void *const *outputs) {
  for (int i = 0; i < INPUTS; i++) {
    const size_t bytes = inputs_of_model[i].bytes;
    if (!fine(cudaMemcpyAsync(m->inputs[i], inputs[i], bytes, cudaMemcpyHostToDevice, m->stream))) return 1;
  }
  if (!fine(cudaGraphLaunch(m->graph, m->stream))) return 1;
  for (int i = 0; i < OUTPUTS; i++) {
    const size_t bytes = outputs_of_model[i].bytes;
    if (!fine(cudaMemcpyAsync(outputs[i], m->outputs[i], bytes, cudaMemcpyDeviceToHost, m->stream))) return 1;
  }
  return fine(cudaStreamSynchronize(m->stream)) ? 0 : 1;
}

void model_destroy(model *m) {
  if (!m) return;
  if (m->graph) cudaGraphExecDestroy(m->graph);
  for (int i = 0; i < INPUTS; i++) cudaFree(m->inputs[i]);
  for (int i = 0; i < OUTPUTS; i++) cudaFree(m->outputs[i]);
  cudaFree(m->weights);
  cudaFree(m->arena);
  if (m->stream) cudaStreamDestroy(m->stream);
  delete m;
}
