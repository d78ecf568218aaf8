#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "command.h"
#include "curves/single_loss.h"
#include "kindred/core/error.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/hdf5_kinds.h"

namespace kindred::tools {
namespace {

struct LossOptions : CommonOptions {
  std::string file;
  std::string loss;
  std::vector<std::string> assignments;
  std::string param;
  std::string targets;
  std::string out;
};

Matrix read_matrix(const Hdf5File& file, const std::string& name) {
  const std::vector<Index> shape = file.shape(name);
  if (shape.size() != 2) {
    fail(ErrorKind::data,
         fmt::format("{}: expected two dimensions, found {}", file.where(name), shape.size()));
  }
  const std::vector<float> values = file.read<float>(name);
  Matrix matrix(shape[0], shape[1]);
  for (Index i = 0; i < shape[0]; ++i) {
    std::copy_n(values.data() + i * shape[1], shape[1], matrix.row(i));
  }
  return matrix;
}

std::vector<float> packed(ConstMatrixView matrix) {
  std::vector<float> values;
  for (Index i = 0; i < matrix.rows(); ++i) {
    values.insert(values.end(), matrix.row(i), matrix.row(i) + matrix.cols());
  }
  return values;
}

double norm(ConstMatrixView matrix) {
  double sum = 0;
  for (const float value : packed(matrix)) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return std::sqrt(sum);
}

void copy_rows(ConstMatrixView from, MatrixView to, const std::string& path) {
  if (from.rows() != to.rows() || from.cols() != to.cols()) {
    fail(ErrorKind::data, fmt::format("{}: /param is {} x {}; this loss wants {} x {}", path,
                                      from.rows(), from.cols(), to.rows(), to.cols()));
  }
  for (Index i = 0; i < to.rows(); ++i) std::copy_n(from.row(i), to.cols(), to.row(i));
}

// The loss for as many classes as `param` has rows for (a loss may keep several rows a class).
std::unique_ptr<SingleLoss> make_single(const LossOptions& options, LossContext context,
                                        const Matrix* param) {
  const auto make = [&] {
    return std::make_unique<SingleLoss>(options.loss, options.assignments, context);
  };
  auto single = make();
  if (param == nullptr) return single;
  const Index found = single->class_rows().rows();
  if (found > 0 && found % context.classes == 0) {
    const Index rows_of_class = found / context.classes;
    if (param->rows() % rows_of_class == 0 && param->rows() / rows_of_class >= context.classes) {
      context.classes = param->rows() / rows_of_class;
      single = make();
    }
  }
  copy_rows(param->view(), single->class_rows(), options.param);
  return single;
}

void write_gradients(const LossOptions& options, SingleLoss& single,
                     ConstMatrixView diff_embeddings) {
  Hdf5Writer writer(options.out);
  const auto write = [&](const std::string& name, ConstMatrixView matrix) {
    writer.write<float>(name, {matrix.rows(), matrix.cols()}, packed(matrix));
  };
  write("grad_embeddings", diff_embeddings);
  if (single.weights_gradient().rows() > 0) write("grad_param", single.weights_gradient());
  if (single.centers().rows() > 0) write("centers_after", single.centers());
  writer.finish();
}

void measure(const LossOptions& options) {
  const LossEntry& entry = find_loss(options.loss);
  const Hdf5File file = Hdf5File::open(options.file);
  const Matrix embeddings = read_matrix(file, "embeddings");
  std::vector<std::int64_t> labels;
  if (file.exists("labels")) labels = file.read<std::int64_t>("labels");
  if (entry.needs_labels() && static_cast<Index>(labels.size()) != embeddings.rows()) {
    fail(ErrorKind::data, fmt::format("{}: has {} values; each of the {} embeddings needs one",
                                      file.where("labels"), labels.size(), embeddings.rows()));
  }
  Matrix targets;
  if (!options.targets.empty()) {
    targets = read_matrix(Hdf5File::open(options.targets), "targets");
  } else if (file.exists("targets")) {
    targets = read_matrix(file, "targets");
  }
  if (entry.needs_targets() && (targets.rows() != embeddings.rows())) {
    fail(ErrorKind::data, "loss " + options.loss +
                              ": name a file whose /targets has one row for "
                              "each embedding with --targets");
  }
  LossContext context;
  context.classes = 1;
  for (const std::int64_t label : labels) {
    if (label < 0) fail(ErrorKind::data, file.where("labels") + ": holds a negative label");
    context.classes = std::max<Index>(context.classes, label + 1);
  }
  context.embedding = embeddings.cols();
  context.batch = embeddings.rows();
  context.targets = targets.cols();
  Matrix param;
  if (!options.param.empty()) param = read_matrix(Hdf5File::open(options.param), "param");
  const auto single = make_single(options, context, options.param.empty() ? nullptr : &param);

  std::vector<Index> ids(static_cast<std::size_t>(embeddings.rows()));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<Index>(i);
  LossInput input;
  input.embeddings = embeddings.view();
  input.labels = labels;
  input.sample_ids = ids;
  input.targets = targets.view();
  const Workers workers(options.threads);
  const ComputeScope scope;
  Matrix diff(embeddings.rows(), embeddings.cols());
  const LossReport& report = single->compute(workers, input, diff.view());
  Json numbers;
  numbers["loss"] = entry.name;
  numbers["value"] = report.value;
  for (const LossScalar& scalar : report.scalars) numbers[scalar.name] = scalar.value;
  numbers["grad_embeddings_norm"] = norm(diff.view());
  const MatrixView grad_param = single->weights_gradient();
  if (grad_param.rows() > 0) numbers["grad_param_norm"] = norm(grad_param);
  if (!options.out.empty()) write_gradients(options, *single, diff.view());
  if (!write_json(options, numbers)) return;
  for (const auto& [key, value] : numbers.items()) {
    fmt::print("{:<22} {}\n", key, value.is_string() ? value.get<std::string>() : json_text(value));
  }
}

}  // namespace

void add_loss(const Command& program) {
  auto options = std::make_shared<LossOptions>();
  const Command command = program.add_command("loss", "one loss on given embeddings");
  command.add_option("file", options->file, "file with /embeddings and /labels, or FILE.h5:/group")
      .required()
      .type_name("EMB.h5")
      .reads_file();
  command.add_option("--loss", options->loss, "its name, as kindred list losses has it")
      .required()
      .type_name("NAME");
  command.add_option("--set", options->assignments, "a setting of the loss")
      .type_name("KEY=VALUE")
      .one_word_each();
  command
      .add_option("--param", options->param, "/param [rows, D]: class weights, proxies or centers")
      .type_name("P.h5")
      .reads_file();
  command.add_option("--targets", options->targets, "/targets [N, T], for mse and the like")
      .type_name("T.h5")
      .reads_file();
  command
      .add_option("--out", options->out,
                  "writes /grad_embeddings, and /grad_param, /centers_after where there are such")
      .type_name("GRAD.h5")
      .writes_file(kGradientsFile);
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer("Example:\n  kindred loss test.h5 --loss triplet --set margin=0.1 --json -");
  command.callback([options] { measure(*options); });
}

}  // namespace kindred::tools
