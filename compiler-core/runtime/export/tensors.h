// What both implementations of model.h have in common.
#pragma once
#include "model.h"
#include "plan.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static thread_local char error_text[512];

const char *model_error(void) { return error_text; }

int model_input_count(void) { return INPUTS; }
const model_tensor *model_input(int index) { return index >= 0 && index < INPUTS ? &inputs_of_model[index] : nullptr; }
int model_output_count(void) { return OUTPUTS; }
const model_tensor *model_output(int index) { return index >= 0 && index < OUTPUTS ? &outputs_of_model[index] : nullptr; }

/** Hands the weights to `take`, a part at a time with its offset; false where it fails or the file has another size. */
template <class Take>
static bool read_weights(const char *name, Take take) {
  FILE *const file = fopen(name, "rb");
  if (!file) {
    snprintf(error_text, sizeof error_text, "%s cannot be opened", name);
    return false;
  }
  static thread_local char part[1 << 16];
  size_t at = 0, count = 1;
  bool fine = true;
  while (fine && at != WEIGHT_BYTES && count > 0) {
    const size_t left = WEIGHT_BYTES - at;
    count = fread(part, 1, left < sizeof part ? left : sizeof part, file);
    if (count > 0) fine = take(part, at, count);
    at += count;
  }
  if (fine && (at != WEIGHT_BYTES || fgetc(file) != EOF || ferror(file))) {
    // a folder can be opened, but not read
    if (ferror(file)) snprintf(error_text, sizeof error_text, "%s cannot be read: %s", name, strerror(errno));
    else {
      const char *const size = at != WEIGHT_BYTES ? "less" : "more";
      const size_t bytes = WEIGHT_BYTES;
      snprintf(error_text, sizeof error_text, "%s is not of this model: it has %s than %zu bytes", name, size, bytes);
    }
    fine = false;
  }
  fclose(file);
  return fine;
}
