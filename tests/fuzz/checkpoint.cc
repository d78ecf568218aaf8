// Checkpoints: the header of a safetensors file, and what a checkpoint keeps in it.
#include "kindred/train/checkpoint.h"

#include "tensor_file.h"

// The header, a zero, the data.
KINDRED_FUZZ_TARGET(checkpoint) {
  using namespace kindred;
  const std::string path = fuzz::write_tensor_file(bytes);
  fuzz::read_tensor_file(path);
  const CheckpointHeader header = read_checkpoint_header(path);
  fuzz::require(header.step >= 0 && header.memory.best_step >= -1);
}
