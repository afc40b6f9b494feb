// The model on the processor, on all of its cores: the same kernels, compiled by g++.
#include "tensors.h"
#include "cpu/threads.h"
#include <mutex>
#include <new>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thread>

#define KERNEL(name, kind, x, y, z) KERNEL_##kind(name, x, y, z)
#define KERNEL_plain(name, x, y, z) \
  extern "C" void run_##name(void *const *arguments, HeddleIndex block); \
  static const heddle::Kernel kernel_##name = { run_##name, nullptr, { x, y, z } };
#define KERNEL_fibers(name, x, y, z) \
  extern "C" void run_##name(void *const *arguments); \
  static const heddle::Kernel kernel_##name = { nullptr, run_##name, { x, y, z } };
#include "kernels.h"
#undef KERNEL

void heddle_accident(const char *what) {
  fprintf(stderr, "a kernel fails: %s\n", what);
  abort();
}

struct model { char *weights, *arena, *inputs[INPUTS + 1], *outputs[OUTPUTS + 1]; };

static bool allocate(char **memory, size_t bytes) {
  const size_t rounded = (bytes / 256 + 1) * 256; // as cudaMalloc gives it
  *memory = (char *)aligned_alloc(256, rounded);
  if (*memory) memset(*memory, 0, rounded);
  else snprintf(error_text, sizeof error_text, "there is too little memory");
  return *memory != nullptr;
}

static bool prepare(model &m, const char *weights) {
  if (!allocate(&m.weights, WEIGHT_BYTES) || !allocate(&m.arena, ARENA_BYTES)) return false;
  for (int i = 0; i < INPUTS; i++) if (!allocate(&m.inputs[i], inputs_of_model[i].bytes)) return false;
  for (int i = 0; i < OUTPUTS; i++) if (!allocate(&m.outputs[i], outputs_of_model[i].bytes)) return false;
  return read_weights(weights, [&m](const char *part, size_t at, size_t count) {
    memcpy(m.weights + at, part, count);
    return true;
  });
}

model *model_create(const char *weights) {
  model *const m = new (std::nothrow) model();
  if (!m) snprintf(error_text, sizeof error_text, "there is too little memory");
  if (m && prepare(*m, weights)) return m;
  model_destroy(m);
  return nullptr;
}

[[maybe_unused]] static void fill(char *to, int log_bytes, unsigned long long bits, size_t count) {
  for (size_t i = 0; i < count; i++) memcpy(to + (i << log_bytes), &bits, (size_t)1 << log_bytes); // little-endian
}

/** Everything between inputs and outputs, in order. */
static void launch_all(model &m) {
#define WEIGHTS(offset) (m.weights + (offset))
#define ARENA(offset) (m.arena + (offset))
#define INPUT(index) m.inputs[index]
#define OUTPUT(index) m.outputs[index]
#define LAUNCH(name, x, y, z, ...) { \
    void *const arguments[] = { __VA_ARGS__ }; \
    heddle::launch(kernel_##name, { x, y, z }, arguments); \
  }
#define FILL(to, log_bytes, bits, count) fill(to, log_bytes, bits, count);
#define COPY(to, from, bytes) memcpy(to, from, bytes);
#include "steps.h"
}

int model_run(model *m, const void *const *inputs, void *const *outputs) {
  static std::once_flag started;
  static std::mutex running; // the cores are there once
  const std::lock_guard<std::mutex> alone(running);
  const unsigned cores = std::thread::hardware_concurrency();
  std::call_once(started, [cores] { heddle::start(cores > 0 ? cores : 1); });
  for (int i = 0; i < INPUTS; i++) memcpy(m->inputs[i], inputs[i], inputs_of_model[i].bytes);
  launch_all(*m);
  for (int i = 0; i < OUTPUTS; i++) memcpy(outputs[i], m->outputs[i], outputs_of_model[i].bytes);
  return 0;
}

void model_destroy(model *m) {
  if (!m) return;
  for (int i = 0; i < INPUTS; i++) free(m->inputs[i]);
  for (int i = 0; i < OUTPUTS; i++) free(m->outputs[i]);
  free(m->weights);
  free(m->arena);
  delete m;
}
