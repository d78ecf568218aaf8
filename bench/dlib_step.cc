// The layers of the reference network in dlib, with its metric loss and Adam: images/s of training
// steps, or of embedding, on made-up images. bench/compare_dlib.py builds it and runs it.
#include <dlib/dnn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using Image = dlib::matrix<unsigned char>;

constexpr int kClassesABatch = 32;
constexpr int kSamplesAClass = 4;
constexpr int kBatch = kClassesABatch * kSamplesAClass;

template <template <typename> class Norm, typename Src>
using Block = dlib::max_pool<2, 2, 2, 2, dlib::relu<Norm<dlib::con<64, 3, 3, 1, 1, Src>>>>;

template <template <typename> class Norm>
using Embedding =
    dlib::fc<128, Block<Norm, Block<Norm, Block<Norm, Block<Norm, dlib::input<Image>>>>>>;

using TrainingNet = dlib::loss_metric<Embedding<dlib::bn_con>>;
using InferenceNet = dlib::loss_metric<Embedding<dlib::affine>>;

struct Batch {
  std::vector<Image> images;
  std::vector<unsigned long> labels;
};

std::vector<Batch> make_batches(int count) {
  std::mt19937 random(1);
  std::vector<Batch> batches(static_cast<std::size_t>(count));
  for (Batch& batch : batches) {
    for (int i = 0; i < kBatch; ++i) {
      Image image(28, 28);
      for (unsigned char& pixel : image) pixel = static_cast<unsigned char>(random());
      batch.images.push_back(std::move(image));
      batch.labels.push_back(static_cast<unsigned long>(i / kSamplesAClass));
    }
  }
  return batches;
}

template <typename Work>
double images_per_second(int steps, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work(steps);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return steps * kBatch / seconds.count();
}

double train(int steps) {
  const std::vector<Batch> batches = make_batches(8);
  TrainingNet net;
  std::vector<dlib::adam> solvers(TrainingNet::num_computational_layers,
                                  dlib::adam(0, 0.9F, 0.999F));
  dlib::resizable_tensor src;
  const auto work = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const Batch& batch = batches[static_cast<std::size_t>(i) % batches.size()];
      net.to_tensor(batch.images.begin(), batch.images.end(), src);
      net.compute_parameter_gradients(src, batch.labels.begin());
      net.update_parameters(solvers, 1e-3);
    }
  };
  work(2);
  return images_per_second(steps, work);
}

double infer(int steps) {
  const std::vector<Batch> batches = make_batches(8);
  TrainingNet trained;
  trained(batches[0].images[0]);  // makes its weights
  InferenceNet net = trained;
  const auto work = [&](int count) {
    for (int i = 0; i < count; ++i) {
      net(batches[static_cast<std::size_t>(i) % batches.size()].images, kBatch);
    }
  };
  work(2);
  return images_per_second(steps, work);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "train";
  const int steps = count > 2 ? std::atoi(arguments[2]) : 10;
  if ((what != "train" && what != "infer") || steps < 1) {
    std::fputs("usage: dlib_step [train|infer] [STEPS]\n", stderr);
    return 64;
  }
  std::printf("%.1f\n", what == "train" ? train(steps) : infer(steps));
}
