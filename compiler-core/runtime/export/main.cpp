// An example: runs the model on files of raw elements, and writes output_0.bin, output_1.bin ... into the current folder.
//
//     example weights.bin input_0.bin input_1.bin ...
//
// An input for which there is no file is zeros.
#include "model.h"
#include <chrono>
#include <stdio.h>
#include <vector>

static bool read_file(const char *name, std::vector<char> &bytes) {
  FILE *const file = fopen(name, "rb");
  const bool fine = file && fread(bytes.data(), 1, bytes.size(), file) == bytes.size() && fgetc(file) == EOF;
  if (file) fclose(file);
  if (!fine) fprintf(stderr, "%s has not %zu bytes\n", name, bytes.size());
  return fine;
}

static bool write_file(const char *name, const std::vector<char> &bytes) {
  FILE *const file = fopen(name, "wb");
  const bool written = file && fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool fine = file && fclose(file) == 0 && written;
  if (!fine) fprintf(stderr, "%s cannot be written\n", name);
  return fine;
}

static void print(const model_tensor &tensor, const std::vector<char> &bytes) {
  printf("%s: [", tensor.name);
  for (int i = 0; i < tensor.rank; i++) printf("%s%lld", i > 0 ? ", " : "", (long long)tensor.shape[i]);
  printf("]");
  const float *const values = (const float *)bytes.data();
  for (size_t i = 0; tensor.element == MODEL_F32 && i < 5 && i < bytes.size() / sizeof(float); i++) printf(" %g", values[i]);
  printf("\n");
}

int main(int count, char **arguments) {
  const int inputs = model_input_count(), outputs = model_output_count();
  if (count < 2 || count - 2 > inputs) {
    fprintf(stderr, "usage: %s weights.bin [input_0.bin ...]\n", arguments[0]);
    return 2;
  }
  std::vector<std::vector<char>> in(inputs), out(outputs);
  std::vector<const void *> from(inputs);
  std::vector<void *> to(outputs);
  for (int i = 0; i < inputs; i++) {
    in[i].resize(model_input(i)->bytes);
    if (i + 2 < count && !read_file(arguments[i + 2], in[i])) return 2;
    from[i] = in[i].data();
  }
  for (int i = 0; i < outputs; i++) {
    out[i].resize(model_output(i)->bytes);
    to[i] = out[i].data();
  }
  model *const handle = model_create(arguments[1]);
  const auto start = std::chrono::steady_clock::now();
  if (!handle || model_run(handle, from.data(), to.data())) {
    fprintf(stderr, "%s\n", model_error());
    return 1;
  }
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  model_destroy(handle);
  printf("%.2f ms\n", time.count());
  for (int i = 0; i < outputs; i++) {
    char name[32];
    snprintf(name, sizeof name, "output_%d.bin", i);
    if (!write_file(name, out[i])) return 2;
    print(*model_output(i), out[i]);
  }
  return 0;
}
