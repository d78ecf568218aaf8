// `kindred loss` on every case of the reference file, and the user's worked examples through the
// program.
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kindred/data/embedding_file.h"
#include "kindred/loss/loss.h"
#include "kindred/train/model.h"
#include "support/loss_cases.h"
#include "tools/program.h"

namespace kindred {
namespace {

using Json = nlohmann::json;
using test::kindred;
using test::LossCase;
using test::Outcome;
using test::TempFolder;

class LossCommand : public testing::Test {
 protected:
  /// Where the case's weights or centers stand as /param; "" where it has none.
  std::string param_of(const LossCase& one) {
    const Hdf5File& file = test::loss_case_file();
    for (const char* name : {"/param", "/centers"}) {
      if (!file.exists(one.path + name)) continue;
      Hdf5Writer writer(folder_ / "param.h5");
      writer.write<double>("param", file.shape(one.path + name),
                           file.read<double>(one.path + name));
      writer.finish();
      return folder_ / "param.h5";
    }
    return "";
  }

  std::string command_of(const LossCase& one) {
    const std::string where = std::string(KINDRED_TEST_DATA "/losses.h5:/") + one.path;
    std::string command = "loss " + where + " --loss " + one.loss + " --json - --threads 2 --out " +
                          (folder_ / "gradient.h5");
    for (const std::string& setting : one.settings) command += " --set '" + setting + "'";
    const std::string param = param_of(one);
    return param.empty() ? command : command + " --param " + param;
  }

  void expect_array(const LossCase& one, const std::string& reference, const std::string& written) {
    if (!test::loss_case_file().exists(one.path + "/" + reference)) return;
    const auto expected = test::loss_case_file().read<double>(one.path + "/" + reference);
    const auto found = Hdf5File::open(folder_ / "gradient.h5").read<double>(written);
    ASSERT_EQ(found.size(), expected.size()) << one.path << " " << reference;
    const double tolerance = 1e-5 * test::largest_size(expected);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(found[i], expected[i], tolerance) << one.path << " " << reference << " " << i;
    }
  }

  TempFolder folder_;
};

TEST_F(LossCommand, GivesTheNumbersOfEveryReferenceCase) {
  for (const LossCase& one : test::loss_cases()) {
    const std::string command = command_of(one);
    const Outcome outcome = kindred(command);
    ASSERT_EQ(outcome.code, 0) << command << "\n" << outcome.err;
    const Json numbers = Json::parse(outcome.out);
    const auto expected = test::loss_case_file().scalar<double>(one.path + "/loss");
    EXPECT_NEAR(numbers["value"].get<double>(), expected, 1e-5 * std::max(1e-3, std::abs(expected)))
        << one.path;
    expect_array(one, "grad_embeddings", "grad_embeddings");
    expect_array(one, "grad_param", "grad_param");
    expect_array(one, "centers_after", "centers_after");
  }
}

/// Five embeddings of one number with five targets, as the examples have them.
void write_predictions(const std::string& path, const std::vector<float>& predictions,
                       const std::vector<float>& targets) {
  Hdf5Writer writer(path);
  writer.write<float>("embeddings", {5, 1}, predictions);
  writer.write<float>("targets", {5, 1}, targets);
  writer.finish();
}

double value_of(const std::string& file, const std::string& loss) {
  const Outcome outcome = kindred("loss " + file + " --loss " + loss + " --json -");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.code == 0 ? Json::parse(outcome.out)["value"].get<double>() : -1;
}

// y = 3 5 7 9 11 and ŷ = x: errors 2 3 4 5 6, squares 4 9 16 25 36, mean 18.
TEST_F(LossCommand, GivesTheMeanSquaredErrorOfTheWorkedExample) {
  write_predictions(folder_ / "x.h5", {1, 2, 3, 4, 5}, {3, 5, 7, 9, 11});
  EXPECT_DOUBLE_EQ(value_of(folder_ / "x.h5", "mse"), 18);
}

// At theta = 0 every logit is 0: each sample costs ln 2 = 0.693, whatever its class.
TEST_F(LossCommand, GivesLnTwoForEverySampleOfLogisticRegressionAtZero) {
  for (const std::vector<float>& targets :
       {std::vector<float>{0, 1, 0, 1, 1}, {0, 0, 0, 0, 0}, {1, 1, 1, 1, 1}}) {
    write_predictions(folder_ / "zero.h5", {0, 0, 0, 0, 0}, targets);
    EXPECT_NEAR(value_of(folder_ / "zero.h5", "binary_cross_entropy"), std::log(2.0), 1e-12);
  }
}

using Theta = std::array<double, 2>;  // of theta_0 + theta_1 x

/// The recipes of datasets/ through the program.
class Regression : public LossCommand {
 protected:
  /// Trains, and leaves the model's two numbers and the last step's loss.
  Theta train(const std::string& name) {
    const std::string run = folder_ / name;
    const Outcome trained =
        kindred("train " KINDRED_DATASETS "/" + name + ".toml --quiet --out " + run);
    EXPECT_EQ(trained.code, 0) << trained.err;
    if (trained.code != 0) return {};
    const Model model = read_model(run + "/model.kindred");
    Theta theta{};
    for (const Segment& segment : model.table.segments()) {
      if (segment.size != 1) continue;
      const bool bias = segment.name.find("bias") != std::string::npos;
      theta[bias ? 0 : 1] = static_cast<double>(model.parameters[segment.offset]);
    }
    const std::string log = test::text_of(run + "/metrics.jsonl");
    const std::size_t last = log.rfind("{\"step\":", log.rfind("\"learning_rate\""));
    last_loss_ = Json::parse(log.substr(last, log.find('\n', last) - last))["loss"].get<double>();
    return theta;
  }

  double last_loss_ = 0;
};

TEST_F(Regression, LinearFindsOneAndTwo) {
  const Theta theta = train("linear_regression");
  // Predictions rounded to 2^-21 over the least curvature's root, 0.4: some 1e-6.
  EXPECT_NEAR(theta[0], 1, 2e-5);
  EXPECT_NEAR(theta[1], 2, 2e-5);
  EXPECT_NEAR(last_loss_, 0, 1e-9);

  // The predictions are what `kindred embed` gives.
  const std::string out = folder_ / "predictions.h5";
  const Outcome embedded =
      kindred("embed " + (folder_ / "linear_regression") +
              "/model.kindred " KINDRED_DATASETS "/linear_regression.h5 --quiet --out " + out);
  ASSERT_EQ(embedded.code, 0) << embedded.err;
  const auto predictions = read_embedding_file(out);
  for (Index i = 0; i < 5; ++i) {
    EXPECT_NEAR(static_cast<double>(predictions.embeddings(i, 0)), 3 + 2 * static_cast<double>(i),
                3e-5);
  }
}

/// The minimum of the mean cross-entropy by Newton's method in double.
Theta newton(const std::array<double, 5>& classes) {
  Theta theta{};
  for (int step = 0; step < 30; ++step) {
    double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      const double x = static_cast<double>(i) + 1;
      const double p = 1 / (1 + std::exp(-(theta[0] + theta[1] * x)));
      g0 += p - classes[i];
      g1 += (p - classes[i]) * x;
      h00 += p * (1 - p);
      h01 += p * (1 - p) * x;
      h11 += p * (1 - p) * x * x;
    }
    const double determinant = h00 * h11 - h01 * h01;
    theta[0] -= (h11 * g0 - h01 * g1) / determinant;
    theta[1] -= (h00 * g1 - h01 * g0) / determinant;
  }
  return theta;
}

TEST_F(Regression, LogisticFindsWhatNewtonFinds) {
  const Theta expected = newton({0, 1, 0, 1, 1});
  EXPECT_NEAR(expected[0], -2.648587, 1e-6);  // the method itself, from numpy
  EXPECT_NEAR(expected[1], 1.090426, 1e-6);
  const Theta theta = train("logistic_regression");
  // Float32 gradients of size 2^-24 over the least curvature, 0.023: 3e-6, some steps of it.
  EXPECT_NEAR(theta[0], expected[0], 3e-5);
  EXPECT_NEAR(theta[1], expected[1], 3e-5);
  EXPECT_NEAR(last_loss_, 0.484393, 1e-6);
}

TEST_F(Regression, DataHoldsWhatTheExamplesSay) {
  const auto expect = [](const std::string& name, const std::vector<float>& targets) {
    const Hdf5File file = Hdf5File::open(KINDRED_DATASETS "/" + name + ".h5");
    EXPECT_EQ(file.read<float>("vectors"), (std::vector<float>{1, 2, 3, 4, 5}));
    EXPECT_EQ(file.read<float>("targets"), targets);
    EXPECT_FALSE(file.exists("labels"));
  };
  expect("linear_regression", {3, 5, 7, 9, 11});
  expect("logistic_regression", {0, 1, 0, 1, 1});
}

TEST_F(LossCommand, HasEveryLossOnThePageInTheReadme) {
  const std::string readme = test::text_of(KINDRED_DATASETS "/../README.md");
  const std::size_t begin = readme.find("## The losses on one page");
  ASSERT_NE(begin, std::string::npos);
  const std::string page = readme.substr(begin, readme.find("\n## ", begin + 1) - begin);
  const std::string picture = test::text_of(KINDRED_PICTURE);
  for (const LossEntry& entry : loss_registry()) {
    const std::string name(entry.name);
    EXPECT_NE(page.find('`' + name + '`'), std::string::npos) << name;
    EXPECT_NE(picture.find('>' + name + '<'), std::string::npos) << name;
  }
}

/// The numbers of a text apart from the rest of it.
struct Picture {
  std::string words;
  std::vector<double> numbers;
};

Picture picture_of(const std::string& text) {
  Picture picture;
  for (std::size_t i = 0; i < text.size();) {
    const bool sign = text[i] == '-' && i + 1 < text.size();
    if (std::isdigit(static_cast<unsigned char>(text[sign ? i + 1 : i])) == 0) {
      picture.words += text[i++];
      continue;
    }
    std::size_t size = 0;
    picture.numbers.push_back(std::stod(text.substr(i, 24), &size));
    picture.words += '#';
    i += size;
  }
  return picture;
}

// The picture in README.md is what the program draws, to the byte on the instruction set it was
// made on; elsewhere a sum rounds another way, and a point may lie a tenth of a pixel off. On a
// difference that is meant: kindred list losses --curves src/loss/losses.svg
TEST_F(LossCommand, DrawsTheCommittedPictureOfAllLosses) {
  const std::string path = folder_ / "losses.svg";
  const Outcome outcome = kindred("list losses --curves " + path);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string drawn = test::text_of(path);
  const std::string committed = test::text_of(KINDRED_PICTURE);
  EXPECT_LT(committed.size(), 64u << 10);
  if (drawn == committed) return;
  const Picture now = picture_of(drawn);
  const Picture then = picture_of(committed);
  ASSERT_TRUE(now.words == then.words) << "a panel, a setting or a style differs";
  for (std::size_t i = 0; i < now.numbers.size(); ++i) {
    ASSERT_NEAR(now.numbers[i], then.numbers[i], 2.01) << "number " << i;
  }
}

}  // namespace
}  // namespace kindred
