// What both implementations of model.h have in common.
#pragma once
#include "model.h"
#include "plan.h"
#include <stdio.h>

static thread_local char error_text[512];

const char *model_error(void) { return error_text; }

int model_input_count(void) { return INPUTS; }
const model_tensor *model_input(int index) { return index >= 0 && index < INPUTS ? &inputs_of_model[index] : nullptr; }
int model_output_count(void) { return OUTPUTS; }
const model_tensor *model_output(int index) { return index >= 0 && index < OUTPUTS ? &outputs_of_model[index] : nullptr; }

/** Hands the weights to `take`, a part at a time with its offset; false where it fails. */
template <class Take>
static bool read_weights(const char *name, Take take) {
  FILE *const file = fopen(name, "rb");
  if (!file) {
    snprintf(error_text, sizeof error_text, "%s cannot be opened", name);
    return false;
  }
  static thread_local char part[1 << 16];
  bool fine = true;
  for (size_t at = 0; fine && at != WEIGHT_BYTES;) {
    const size_t left = WEIGHT_BYTES - at, count = fread(part, 1, left < sizeof part ? left : sizeof part, file);
    if (count == 0) {
      snprintf(error_text, sizeof error_text, "%s has less than %zu bytes", name, (size_t)WEIGHT_BYTES);
      fine = false;
    } else fine = take(part, at, count);
    at += count;
  }
  fclose(file);
  return fine;
}
