#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/isolation/isolated.h"
#include "kindred/data/picture_decoder.h"

namespace kindred {

/// Some child processes that make pictures. Thread-safe: a caller takes a free one, or waits.
class PictureProcesses {
 public:
  /// What the children are asked to do refers to lies where it does when they are started: here.
  PictureProcesses(const PictureWishes& wishes, int count);

  /// function(wishes, arguments...) in a child; `where` is what it works on. What costs a child its
  /// life is tried once more in another: it may have been forked while another thread held what it
  /// needs (the allocators of sanitizers do not give way), which is no fault of the picture.
  template <typename... P, typename... A>
  Picture call(const std::string& where, Picture (*function)(const PictureWishes*, P...),
               const A&... arguments) {
    Lease lease(*this);
    for (bool again = false;; again = true) {
      lease.process().rename(where);
      try {
        return checked(lease.process().call(function, &wishes_, arguments...), where);
      } catch (const Error& error) {
        if (lease.process().is_alive() || error.kind() != ErrorKind::data) throw;
        lease.renew();
        if (!again) continue;
        Picture picture;
        picture.error = error.what();
        return picture;
      }
    }
  }

 private:
  using Child = std::unique_ptr<IsolatedProcess>;

  /// One process, for one call.
  class Lease {
   public:
    explicit Lease(PictureProcesses& of);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    IsolatedProcess& process() { return *child_; }
    void renew();  ///< another one in its place

   private:
    PictureProcesses& of_;
    Child child_;
  };

  Child make() const;
  /// Fails with internal where the child did not make what was wished.
  Picture checked(Picture picture, const std::string& where) const;

  const PictureWishes wishes_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Child> free_;
};

}  // namespace kindred
