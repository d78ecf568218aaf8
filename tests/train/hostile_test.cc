// 1,000 recipes, models, checkpoints and logs with right checksums that ask for what nobody should
// get. Each is read as the program reads it, in a process with little memory: an error is well, a
// crash, an unforeseen exception or an error of ours is not.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <new>

#include "kindred/eval/report.h"
#include "kindred/train/checkpoint.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "kindred/train/run_report.h"
#include "support/hostile_files.h"
#include "support/mutation.h"
#include "train/runs/run_log.h"
#include "train/small_run.h"

namespace kindred {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitizer = true;  // they map terabytes
#else
constexpr bool kSanitizer = false;
#endif

constexpr rlim_t kMostMemory = rlim_t{6} << 30;  // of addresses: an HDF5 reader reserves 3 GiB
constexpr unsigned kMostSeconds = 60;            // of all cases of a process
constexpr int kOfEach = 250;
constexpr int kTogether = 25;  // in one process

enum Ending { kFine = 0, kInternal = 1, kUnforeseen = 2 };

int ending_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::internal) return kFine;
    std::fprintf(stderr, "internal: %s\n", error.what());
    return kInternal;
  } catch (const std::bad_alloc&) {  // the program says so: exit code 71
  } catch (const std::exception& error) {
    std::fprintf(stderr, "unforeseen: %s\n", error.what());
    return kUnforeseen;
  }
  return kFine;
}

/// Runs work(0), work(1), ... in processes of their own; a case that ends one is named.
void run_all(int count, const std::function<void(int)>& work) {
  for (int first = 0; first < count; first += kTogether) {
    int reached[2];
    ASSERT_EQ(::pipe(reached), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const rlimit memory{kMostMemory, kMostMemory};
      if (!kSanitizer) ::setrlimit(RLIMIT_AS, &memory);
      ::alarm(kSanitizer ? 10 * kMostSeconds : kMostSeconds);
      int ending = kFine;
      for (int i = first; i < std::min(first + kTogether, count) && ending == kFine; ++i) {
        if (::write(reached[1], &i, sizeof i) != sizeof i) break;
        ending = ending_of([&] { work(i); });
      }
      ::_exit(ending);
    }
    ::close(reached[1]);
    int last = first;
    while (::read(reached[0], &last, sizeof last) == sizeof last) {
    }
    ::close(reached[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kFine)
        << "case " << last
        << (WIFSIGNALED(status) ? std::string(": ") + ::strsignal(WTERMSIG(status)) : "");
  }
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Hostile : public ::testing::Test {
 protected:
  Hostile() {
    runs_.run("run", runs_.recipe(kSound, 3), 1);
    model_ = text_of(runs_.model("run"));
    checkpoint_ = text_of(runs_.checkpoint("run", 3));
    log_ = text_of(read_file(runs_.path("run/metrics.jsonl")));
  }

  static constexpr const char* kSound =
      "[model]\narchitecture = 'conv4'\nwidth = 4\nembedding = 8\nslice = 4\n"
      "[[loss]]\nname = 'softmax'\n";

  const test::SmallRun runs_;
  std::string model_;
  std::string checkpoint_;
  std::string log_;
};

TEST_F(Hostile, Recipes) {
  const std::string sound = std::string(kSound) + "[data]\nfile = '" + runs_.path("data.h5") +
                            "'\n[sampler]\nclasses = 6\nsamples_per_class = 4\n";
  run_all(test::in_long_tests(10 * kOfEach), [&](int i) {
    test::HostileFiles make(static_cast<std::uint64_t>(i));
    Recipe recipe = Recipe::from_text(make.recipe(sound), "it");
    const Workers workers(1);
    const auto setup = read_setup(recipe, "");
    Trainer trainer(setup, workers);
    recipe.finish();
  });
}

TEST_F(Hostile, Models) {
  run_all(test::in_long_tests(10 * kOfEach), [&](int i) {
    test::HostileFiles make(1000 + static_cast<std::uint64_t>(i));
    const std::string path = runs_.path("model-" + std::to_string(i));
    write(path, make.tensor_file(model_, kSound));
    const Model model = read_model(path);
    const Workers workers(1);
    const Embedder embedder(model, workers);
    const Index bytes = model.architecture.src.size() * (model.element == Element::u8 ? 1 : 4);
    embedder.embed_samples(std::vector<std::byte>(static_cast<std::size_t>(bytes)));
  });
}

TEST_F(Hostile, Checkpoints) {
  run_all(test::in_long_tests(10 * kOfEach), [&](int i) {
    test::HostileFiles make(2000 + static_cast<std::uint64_t>(i));
    write(runs_.path("run/checkpoints/step-00000003.kindred"),
          make.tensor_file(checkpoint_, kSound));
    runs_.run("run", recipe_of_run(runs_.path("run")), 1, true);
  });
}

TEST_F(Hostile, Logs) {
  run_all(test::in_long_tests(10 * kOfEach), [&](int i) {
    test::HostileFiles make(3000 + static_cast<std::uint64_t>(i));
    std::string log = make.below(2) == 0 ? log_ : "";
    for (std::size_t lines = 1 + make.below(3); lines > 0; --lines) log += make.log_line() + "\n";
    if (make.below(2) == 0) log += log_;
    const std::string folder = runs_.path("log-" + std::to_string(i));
    std::filesystem::create_directory(folder);
    write(folder + "/metrics.jsonl", log);
    const auto nobody = [](const std::string&) {};
    const Workers workers(1);
    render_report(describe_run(folder, "", workers, nobody));
    recipe_of_run(folder);
  });
}

TEST_F(Hostile, NumbersThatAreNoneAreRefused) {
  // The last bytes are of the last array of float32.
  for (const std::uint32_t none : {0x7FC00000U, 0x7F800000U, 0xFF800000U}) {
    std::string data = model_;
    std::uint64_t length = 0;
    std::memcpy(&length, data.data(), sizeof length);
    std::memcpy(data.data() + 8 + length, &none, sizeof none);
    write(runs_.path("none.kindred"), test::HostileFiles::signed_again(data));
    test::expect_error(ErrorKind::data, "not finite",
                       [&] { read_model(runs_.path("none.kindred")); });
  }
}

// The queue of past embeddings says itself where it goes on.
TEST_F(Hostile, AQueueKeepsToItself) {
  const std::string recipe = std::string(kSound) + "[[loss]]\nname = 'contrastive'\nmemory = 32\n";
  runs_.run(
      "queue",
      [&] {
        Recipe first = runs_.recipe(recipe, 4);
        first.set("train.steps=2");
        return first;
      }(),
      1);
  const std::string path = runs_.path("queue/checkpoints/step-00000002.kindred");
  const std::string sound = text_of(read_file(path));
  constexpr std::array<std::int64_t, 5> kPlaces{-1, 32, 33, INT64_MAX, INT64_MIN};
  run_all(static_cast<int>(kPlaces.size()), [&](int i) {
    const std::int64_t place = kPlaces[static_cast<std::size_t>(i)];
    const std::array<std::int64_t, 2> position{place, place};
    write(path, test::HostileFiles::with_array(sound, "state:loss.contrastive.memory.position",
                                               std::as_bytes(std::span(position))));
    runs_.run("queue", runs_.recipe(recipe, 4), 1, true);
  });
}

// 65536 x 65536 numbers divided by zero.
TEST_F(Hostile, ShapesAreMultipliedWithCare) {
  const auto with_shape = [&](const std::string& shape) {
    write(runs_.path("shape.kindred"), test::HostileFiles::with_text(model_, "src_shape", shape));
    read_model(runs_.path("shape.kindred"));
  };
  with_shape("[8,8,1]");
  for (const char* shape : {"[65536,65536,1]", "[1048576,1048576,1048576]", "[1048577,1,1]",
                            "[0,8,1]", "[8,8]", "{}", "[8,8,1.5]"}) {
    test::expect_error(ErrorKind::data, "src_shape", [&] { with_shape(shape); });
  }
}

}  // namespace
}  // namespace kindred
