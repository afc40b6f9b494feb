/* A compiled model: plain C, one handle, tensors in row-major order in the memory of the host. */
#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct model model;

typedef enum {
  MODEL_F64, MODEL_F32, MODEL_F16, MODEL_BF16, MODEL_TF32, MODEL_I64, MODEL_I32, MODEL_I16, MODEL_I8,
  MODEL_U64, MODEL_U32, MODEL_U16, MODEL_U8, MODEL_BOOL
} model_element;

typedef struct {
  const char *name;
  model_element element;
  int rank;
  const int64_t *shape;
  size_t bytes;
} model_tensor;

/* What goes in and comes out, in order. */
int model_input_count(void);
const model_tensor *model_input(int index);
int model_output_count(void);
const model_tensor *model_output(int index);

/* Loads the weights from their file, weights.bin. NULL where that fails; `model_error` says why. */
model *model_create(const char *weights);

/*
 * Computes the outputs from the inputs: one address for each, of so many bytes as `model_input` and `model_output`
 * say. 0, or another number where it fails; `model_error` says why. One run at a time for each handle.
 */
int model_run(model *handle, const void *const *inputs, void *const *outputs);

void model_destroy(model *handle);

/* What went wrong last in the calling thread. */
const char *model_error(void);

#ifdef __cplusplus
}
#endif

#endif
