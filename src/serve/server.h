#pragma once
#include <string>
#include <vector>

#include "serve/access.h"
#include "serve/http_front.h"

namespace kindred::serve {

struct ServeOptions {
  std::string model;    ///< a model file
  std::string gallery;  ///< "": none
  Access access;
  HttpLimits limits;
  int threads = 0;  ///< 0: what the process may use
  double batch_wait_seconds = 2e-3;
  std::string version;  ///< of the program
};

/// Hears of the server; on its own thread.
class ServeListener {
 public:
  virtual ~ServeListener() = default;
  /// Connections are taken from now on, at "127.0.0.1:8080".
  virtual void on_ready(const std::string& address) = 0;
  /// A line of JSON for each request.
  virtual void on_request(const std::string& line) = 0;
};

/// Serves until SIGTERM or SIGINT, then answers what has been asked and returns. Fails with usage
/// where it would listen beyond loopback without a token, or cannot listen there at all; as
/// read_model() and the gallery do; with data where the gallery is of another model, or the model
/// takes no pictures.
void serve(const ServeOptions& options, ServeListener& listener);

}  // namespace kindred::serve
